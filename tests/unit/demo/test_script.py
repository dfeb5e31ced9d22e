from __future__ import annotations

import hashlib
import subprocess
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from projections.demo.analysis import Analysis, CoveredFile
from projections.demo.distributions import Identity, clean, printable
from projections.demo.script import install_script, parameters

SOUND = Identity("The Testers", "a", "1.0", None)
NATIVE = b"\x7fELF"


def facts(**more: object) -> Analysis:
    sha256 = hashlib.sha256(NATIVE).hexdigest()
    files = [CoveredFile(path="a b/fast.so", sha256=sha256, native=True)]
    return Analysis.model_validate({"covered": files, "requires": ["b>=2"], **more})


def test_the_version_is_pinned_and_the_archive_when_it_is_known() -> None:
    script = install_script(SOUND, facts())
    assert "--only-binary=:all: a==1.0\n" in script
    assert "# It needs b>=2\n" in script
    pinned = install_script(SOUND, facts(archive_sha256="c" * 64))
    assert f"a==1.0 --hash=sha256:{'c' * 64}\n" in pinned
    assert "--require-hashes" in pinned
    assert parameters(SOUND, facts(archive_sha256="no hash"))["archive_sha256"] is None


def test_it_compares_native_code_after_the_installation(tmp_path: Path) -> None:
    """Runs the script with a Python that installs nothing and says where packages lie."""
    site, python = tmp_path / "site", tmp_path / "python"
    (site / "a b").mkdir(parents=True)
    python.write_text(f'#!/bin/sh\n[ "$1" = -m ] || echo {site}\n')
    python.chmod(0o755)

    def run() -> int:
        return subprocess.run(
            ["sh", "-c", install_script(SOUND, facts())],
            env={"PYTHON": str(python), "PATH": "/usr/bin:/bin"},
            check=False,
            capture_output=True,
        ).returncode

    (site / "a b/fast.so").write_bytes(NATIVE)
    assert run() == 0
    (site / "a b/fast.so").write_bytes(NATIVE + b"!")
    assert run() != 0


words = st.text(min_size=1, max_size=30).map(clean).filter(bool)


@given(words, words, words, st.text(min_size=1).map(printable), words)
def test_no_name_escapes_from_its_place(
    publisher: str, name: str, version: str, path: str, needed: str
) -> None:
    hostile = facts(
        covered=[CoveredFile(path=path, sha256="0" * 64, native=True)], requires=[needed]
    )
    lines = install_script(Identity(publisher, name, version, None), hostile).splitlines()
    code = [line for line in lines if not line.startswith("#")]
    assert code[0] == "set -eu"
    assert code[1] == 'python="${PYTHON:-python3}"'
    assert code[2].startswith('"$python" -m pip install ')
