from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from projections.demo.analysis import Analysis, analyze
from tests.unit.demo.installed import METADATA, install, line

ELF = b"\x7fELF and so on"


def test_the_facts(tmp_path: Path) -> None:
    here = install(
        tmp_path / "lib",
        "a",
        files={
            "a/__init__.py": b"",
            "a/fast.so": ELF,
            "a/bin/server": ELF,
            "a/README": b"text",
            "a.pth": b"import a",
            "../bin/a": b"#!/usr/bin/python",
        },
        metadata=METADATA + "Requires-Dist: b>=2\nRequires-Dist: c; extra == 'd'\n",
        more_lines="a/__init__.pyc,,\na/bare.txt,,4\na/weak.txt,md5=x,4\n",
        info={
            "WHEEL": "Wheel-Version: 1.0\nTag: py3-none-any\n",
            "entry_points.txt": "[console_scripts]\na = a:main\n[x]\ny = a:y\nz = a:z\n",
        },
    )
    facts = analyze(here)
    raw = (here / "RECORD").read_bytes()
    assert facts.refusal is None
    assert (facts.files, facts.hashed, facts.exempt, facts.unproved) == (13, 9, 2, 2)
    assert facts.unproved_names == ["a/bare.txt", "a/weak.txt"]
    assert [file.path for file in facts.native] == ["a/fast.so", "a/bin/server"]
    assert [file.path for file in facts.covered if not file.native] == ["a.pth", "../bin/a"]
    assert facts.native[0].sha256 == hashlib.sha256(ELF).hexdigest()
    assert (facts.commands, facts.entry_points) == (["a"], {"console_scripts": 1, "x": 2})
    assert facts.starters == ["a.pth"]
    assert facts.requires == ["b>=2", "c; extra == 'd'"]
    assert (facts.license, facts.tags) == ("MIT", ["py3-none-any"])
    assert facts.record_sha256 == hashlib.sha256(raw).hexdigest()
    assert facts.record_size == len(raw)
    assert Analysis.from_details(facts.details()) == facts


def test_windows_line_ends_are_part_of_record(tmp_path: Path) -> None:
    here = install(tmp_path, "a")
    raw = (here / "RECORD").read_bytes().replace(b"\n", b"\r\n")
    (here / "RECORD").write_bytes(raw)
    assert analyze(here).record_sha256 == hashlib.sha256(raw).hexdigest()


@pytest.mark.parametrize(
    ("filename", "content", "reason"),
    [
        ("RECORD", None, "no RECORD"),
        ("RECORD", "a/__init__.py,,\n", "no hash at all"),
        ("RECORD", "a,b,c,d\n", "line 1"),
        ("METADATA", None, "no metadata"),
        ("entry_points.txt", "[console_scripts]\nnonsense\n", "entry_points.txt"),
        ("direct_url.json", "[]", "direct_url.json"),
        ("direct_url.json", "{", "direct_url.json"),
        (
            "direct_url.json",
            '{"url": "file:///src/a", "dir_info": {"editable": true}}',
            "editable install: its code lies in file:///src/a",
        ),
    ],
)
def test_what_cannot_be_packaged_says_why(
    tmp_path: Path, filename: str, content: str | None, reason: str
) -> None:
    here = install(tmp_path, "a")
    if content is None:
        (here / filename).unlink()
    else:
        (here / filename).write_text(content)
    refusal = analyze(here).refusal
    assert refusal is not None
    assert reason in refusal


def test_bytes_that_are_no_text(tmp_path: Path) -> None:
    here = install(tmp_path, "a")
    (here / "RECORD").write_bytes(b"\xff,,\n")
    assert "not UTF-8" in str(analyze(here).refusal)


def test_a_password_is_not_kept(tmp_path: Path) -> None:
    here = install(tmp_path, "a")
    (here / "direct_url.json").write_text(
        '{"url": "https://me:secret@example.org/a.whl",'
        ' "archive_info": {"hashes": {"sha256": "abc"}}}'
    )
    facts = analyze(here)
    assert (facts.origin, facts.archive_sha256) == ("https://example.org/a.whl", "abc")
    assert "secret" not in str(facts.details())


@pytest.mark.parametrize(
    ("headers", "license"),
    [
        ("License-Expression: MIT OR Apache-2.0\n", "MIT OR Apache-2.0"),
        ("License: BSD\n", "BSD"),
        (f"License: {'word ' * 40}\nClassifier: License :: OSI Approved :: ISC\n", "ISC"),
        (f"License: {'x' * 99}\n", "x" * 59 + "…"),
        ("License: UNKNOWN\n", None),
        ("", None),
    ],
)
def test_license(tmp_path: Path, headers: str, license: str | None) -> None:  # noqa: A002
    here = install(tmp_path, "a", metadata="Name: {name}\nVersion: {version}\n" + headers)
    assert analyze(here).license == license


def test_the_helper_writes_true_records(tmp_path: Path) -> None:
    here = install(tmp_path, "a", files={"a/b.py": b"x"})
    assert line("a/b.py", b"x") in (here / "RECORD").read_text()
