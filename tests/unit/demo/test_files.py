from __future__ import annotations

import os
from pathlib import Path

import pytest

from projections.demo.analysis import read_record
from projections.demo.files import Check, Recount, check
from tests.unit.demo.installed import install, line


def examine(here: Path) -> Recount:
    return check(here.parent, read_record(here)[1])


def test_what_is_as_recorded(tmp_path: Path) -> None:
    here = install(
        tmp_path,
        "a",
        files={"a/empty.py": b"", "a/large.bin": b"x" * (3 * 2**20 + 1)},
        more_lines=line("a/other.py", b"other", "sha512") + "a/x.pyc,,\na/bare.txt,,4\n",
    )
    (tmp_path / "a/other.py").write_bytes(b"other")
    (tmp_path / "a/bare.txt").write_bytes(b"bare")
    found = examine(here)
    assert found.check.passed
    assert (found.check.proved, found.check.seen, found.check.exempt) == (4, 1, 2)
    metadata = len((here / "METADATA").read_bytes())
    assert found.check.bytes_read == 3 * 2**20 + 1 + 5 + metadata
    assert found.check.in_words() == "4 files as recorded; 1 without a hash are there"
    assert set(found.sha256) == {"a/empty.py", "a/large.bin", "a-1.0.dist-info/METADATA"}
    assert Check.from_details(found.check.details()) == found.check


def test_a_changed_file_is_named(tmp_path: Path) -> None:
    here = install(tmp_path, "a", files={"a/one.py": b"one", "a/two.py": b"two"})
    before = examine(here).check.fingerprint
    (tmp_path / "a/two.py").write_bytes(b"2wo")
    found = examine(here).check
    assert not found.passed
    assert found.complaint() == "a/two.py differs from its recorded sha256"
    assert found.in_words() == "1 of 3 files: a/two.py differs from its recorded sha256"
    assert found.problems[0].recorded != found.problems[0].found
    assert found.fingerprint != before


def test_equal_readings_have_equal_fingerprints(tmp_path: Path) -> None:
    here = install(tmp_path, "a")
    assert examine(here).check == examine(here).check


def test_a_file_without_a_hash_must_have_its_size(tmp_path: Path) -> None:
    here = install(tmp_path, "a", more_lines="a/bare.txt,,4\n")
    (tmp_path / "a/bare.txt").write_bytes(b"longer")
    assert examine(here).check.complaint() == "a/bare.txt has 6 bytes, recorded are 4"


def test_absent_and_unreadable(tmp_path: Path) -> None:
    names = ("absent", "directory", "pipe", "loop")
    here = install(tmp_path, "a", files={f"a/{name}": b"content" for name in names})
    for name in names:
        (tmp_path / "a" / name).unlink()
    (tmp_path / "a/directory").mkdir()
    os.mkfifo(tmp_path / "a/pipe")
    (tmp_path / "a/loop").symlink_to("loop")
    found = examine(here).check
    assert [(problem.path, problem.kind) for problem in found.problems] == [
        ("a/absent", "absent"),
        ("a/directory", "unreadable"),
        ("a/pipe", "unreadable"),
        ("a/loop", "unreadable"),
    ]
    assert found.complaint() == (
        "a/absent is absent from the disk; a/directory can't be read: it is no regular file, "
        "and 2 more"
    )


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_a_file_that_may_not_be_read(tmp_path: Path) -> None:
    here = install(tmp_path, "a")
    (tmp_path / "a/__init__.py").chmod(0)
    assert "can't be read: Permission denied" in examine(here).check.complaint()


def test_a_name_that_no_filesystem_takes(tmp_path: Path) -> None:
    here = install(tmp_path, "a", more_lines=line("a/\x00.py", b"") + line("x" * 5000, b""))
    assert [problem.kind for problem in examine(here).check.problems] == ["unreadable"] * 2


def test_many_problems_are_counted(tmp_path: Path) -> None:
    lines = "".join(line(f"a/{n:02}.py", b"") for n in range(50))
    found = examine(install(tmp_path, "a", more_lines=lines)).check
    assert (found.problem_count, len(found.problems)) == (50, 20)
    assert found.complaint().endswith("a/01.py is absent from the disk, and 48 more")
