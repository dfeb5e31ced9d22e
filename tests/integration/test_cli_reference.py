"""`eventstore docs` and `eventstore schema`: what they print, write and find."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from eventstore.cli.main import main

Call = Callable[..., tuple[int, str, str]]


@pytest.fixture
def call(database_url: str, capsys: pytest.CaptureFixture[str]) -> Call:
    """Runs a command; returns its exit code, stdout and stderr."""

    def run(*words: object) -> tuple[int, str, str]:
        code = main([*map(str, words), "--database-url", database_url])
        said = capsys.readouterr()
        return code, said.out, said.err

    return run


@pytest.mark.parametrize(
    ("words", "file"),
    [
        (("docs", "schema"), "work/work_items.md"),
        (("schema", "events"), "work.work_item_queued.v1.json"),
    ],
)
def test_files_are_written_and_checked(
    call: Call, words: tuple[str, ...], file: str, tmp_path: Path
) -> None:
    code, out, err = call(*words, "--out", tmp_path, "--json")
    assert code == 0, err
    assert file in json.loads(out)["missing"]
    assert call(*words, "--out", tmp_path, "--check")[0] == 0
    (tmp_path / file).write_text("other")
    code, out, err = call(*words, "--out", tmp_path, "--check")
    assert (code, out, err) == (6, "", f"changed: {tmp_path / file}\n")
    code, out, _ = call(*words, "--out", tmp_path)
    assert code == 0
    assert "written  1\n" in out
    assert call(*words, "--check")[0] == 2


def test_tables_are_listed(call: Call) -> None:
    code, out, _ = call("docs", "schema")
    assert code == 0
    assert "projections.work_items" in out
    code, out, _ = call("docs", "schema", "--json")
    assert code == 0
    (events,) = [each for each in json.loads(out) if each["name"] == "events"]
    assert events["partitioned_by"] == "LIST (retention_class)"
    assert events["triggers"][0]["definition"].startswith("BEFORE DELETE OR UPDATE OR TRUNCATE")


def test_events_are_listed(call: Call) -> None:
    code, out, _ = call("schema", "events")
    assert code == 0
    assert "trust.message_sent" in out
    code, out, _ = call("schema", "events", "--json")
    assert code == 0
    assert "trust.message_sent" in [each["title"] for each in json.loads(out)]
