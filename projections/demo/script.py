"""The install script of a package: what to type to get the same thing elsewhere. Pure."""

from __future__ import annotations

import re
import shlex
from typing import Any, Final

from projections.demo.analysis import Analysis
from projections.demo.distributions import Identity

__all__ = ["install_script", "parameters"]

_SHA256: Final = re.compile(r"[0-9a-f]{64}")


def parameters(identity: Identity, facts: Analysis) -> dict[str, Any]:
    """What the script depends on."""
    return {
        "requirement": f"{identity.name}=={identity.version}",
        "archive_sha256": _archive_hash(facts),
        "checked_after": len(_native_hashes(facts)),
        "requires": facts.requires,
    }


def install_script(identity: Identity, facts: Analysis) -> str:
    """A POSIX shell script; the same facts give the same text.

    pip takes the pinned version, and the very archive when its hash is known. Native code is
    compared with its recorded hash afterwards; it is the same in every installation of a wheel.
    """
    requirement = f"{identity.name}=={identity.version}"
    pin = _archive_hash(facts)
    lines = [
        "#!/bin/sh",
        f"# Installs {identity.title} by {identity.publisher}.",
        *(f"# It needs {each}" for each in facts.requires),
        "set -eu",
        'python="${PYTHON:-python3}"',
    ]
    install = '"$python" -m pip install --no-input --no-deps --only-binary=:all:'
    if pin is None:
        lines.append(f"{install} {shlex.quote(requirement)}")
    else:
        lines += [
            f"{install} --require-hashes --requirement /dev/stdin <<'REQUIREMENT'",
            f"{requirement} --hash=sha256:{pin}",
            "REQUIREMENT",
        ]
    hashes = _native_hashes(facts)
    if hashes:
        where = "'import sysconfig; print(sysconfig.get_path(\"platlib\"))'"
        lines += [
            f'cd "$("$python" -c {where})"',
            "sha256sum --check --strict --quiet <<'SHA256'",
            *(f"{sha256}  {path}" for path, sha256 in hashes),
            "SHA256",
        ]
    return "\n".join(lines) + "\n"


def _archive_hash(facts: Analysis) -> str | None:
    pin = facts.archive_sha256
    return pin if pin is not None and _SHA256.fullmatch(pin) else None


def _native_hashes(facts: Analysis) -> list[tuple[str, str]]:
    """The native files below the installation's root, with their hashes, in order of path.

    A name with a backslash is left out: sha256sum would read it as an escape.
    """
    return sorted(
        (file.path, file.sha256)
        for file in facts.native
        if file.sha256 is not None and file.path[0] not in "./" and "\\" not in file.path
    )
