from __future__ import annotations

from pathlib import Path

import pytest

from projections.demo.distributions import (
    UNKNOWN_PUBLISHER,
    Identity,
    Unreadable,
    find,
    identify,
    printable,
)
from tests.unit.demo.installed import install


def test_found_in_order_of_name(tmp_path: Path) -> None:
    for name in ("zeta", "Alpha", "beta_2"):
        install(tmp_path, name)
    (tmp_path / "no_distribution").mkdir()
    assert [path.stem for path in find([tmp_path]).locations] == [
        "Alpha-1.0",
        "beta_2-1.0",
        "zeta-1.0",
    ]


def test_a_later_directory_is_shadowed_as_in_an_import(tmp_path: Path) -> None:
    first = install(tmp_path / "first", "a_b", "1.0")
    second = install(tmp_path / "second", "A.B", "2.0")
    there = find([tmp_path / "first", tmp_path / "second", tmp_path / "first", tmp_path / "none"])
    assert there.locations == (first,)
    assert there.shadowed == (second,)


def test_this_interpreter_has_distributions() -> None:
    assert {"pytest", "psycopg"} <= {path.stem.partition("-")[0] for path in find().locations}


def test_identity_is_publisher_name_and_version(tmp_path: Path) -> None:
    found = identify(install(tmp_path, "sound", "2.1"))
    assert found == Identity("The Testers", "sound", "2.1", "A distribution for a test")
    assert found.package_id == Identity("The Testers", "sound", "2.1", None).package_id
    assert found.package_id != Identity("The Testers", "sound", "2.2", None).package_id
    assert found.package_id != Identity("The Testerss", "ound", "2.1", None).package_id


@pytest.mark.parametrize(
    ("headers", "publisher"),
    [
        ("Author: A\x00B\n", "A\ufffdB"),
        ("Author: UNKNOWN\nMaintainer: M\n", "M"),
        ("Author-email: Ann <a@example.org>, b@example.org\n", "Ann, b@example.org"),
        ("Author: A\n  folded\n", "A folded"),
        ("", UNKNOWN_PUBLISHER),
        (f"Author: {'x' * 300}\n", "x" * 255),
    ],
)
def test_publisher(tmp_path: Path, headers: str, publisher: str) -> None:
    here = install(tmp_path, "a", metadata="Name: {name}\nVersion: {version}\n" + headers)
    assert identify(here).publisher == publisher


@pytest.mark.parametrize(
    ("metadata", "reason"),
    [
        (b"Version: 1\n", "name no name"),
        (b"Name: a\n", "name no version"),
        (b"Name: \xff\nVersion: 1\n", "METADATA is not UTF-8"),
        (b"", "no metadata"),
        (b"Name: a\nVersion: 1+" + b"x" * 60, "version is 62 characters long"),
        (b"Name: " + b"a" * 256 + b"\nVersion: 1\n", "name is 256 characters long"),
    ],
)
def test_what_does_not_say_who_it_is(tmp_path: Path, metadata: bytes, reason: str) -> None:
    here = install(tmp_path, "a")
    (here / "METADATA").write_bytes(metadata)
    with pytest.raises(Unreadable, match=reason):
        identify(here)


def test_a_summary_has_an_end(tmp_path: Path) -> None:
    here = install(tmp_path, "a", metadata="Name: a\nVersion: 1\nSummary: " + "x" * 5_000)
    assert len(identify(here).summary or "") == 1_000


def test_an_egg_info_may_be_a_file(tmp_path: Path) -> None:
    (tmp_path / "old.egg-info").write_text("Name: old\nVersion: 0.1\n")
    (location,) = find([tmp_path]).locations
    assert identify(location).title == "old 0.1"


def test_printable() -> None:
    assert printable("a\x00\x1b[31m\ud800\nb") == "a\ufffd\ufffd[31m\ufffd\ufffdb"
