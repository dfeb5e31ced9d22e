"""`eventstore streams`: what becomes of a stream, and listings, for people and as JSON."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from typing import Any

import pytest

from eventstore import Append
from eventstore.cli.main import main
from tests.integration.log.facts import open_store, said

Call = Callable[..., tuple[int, str, str]]


@pytest.fixture
def call(database_url: str, capsys: pytest.CaptureFixture[str]) -> Call:
    """Runs a command; returns its exit code, stdout and stderr."""
    with open_store(database_url) as store:
        store.append("talk-1", said(2), agent="ann")
        for stream_id in ("talk-2", "note-1"):
            store.append_many([Append(stream_id, said(1), tags=["urgent"])])

    def run(*words: object) -> tuple[int, str, str]:
        code = main([*map(str, words), "--database-url", database_url])
        told = capsys.readouterr()
        return code, told.out, told.err

    return run


def answer(call: Call, *words: object) -> Any:
    """What a command that succeeds says in JSON."""
    code, out, err = call(*words, "--json")
    assert code == 0, err
    return json.loads(out)


def test_where_reads_come_from_is_said(call: Call, database_url: str) -> None:
    """Of every command that reads the log; the address is that of the same server here."""
    there = f"{database_url}{'&' if '?' in database_url else '?'}application_name=reads"
    for words in (
        ("streams", "info", "talk-1"),
        ("streams", "categories"),
        ("streams", "runs"),
        ("streams", "of", "--tag", "urgent"),
        ("events", "types"),
        ("events", "list"),
        ("partitions", "list"),
        ("health",),
    ):
        code, _, err = call(*words, "--read-url", there)
        assert (code, err.startswith("read from ")) == (0, True), (words, err)


def test_a_stream_lives(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    closed = answer(call, "streams", "close", "talk-1", "--reason", "all said", "--agent", "bob")
    assert (closed["stream_id"], closed["stream_version"], closed["position"]) == ("talk-1", 3, 5)
    info = answer(call, "streams", "info", "talk-1")
    assert (info["closed_by"], info["closed_because"]) == ("bob", "all said")
    listed = answer(call, "streams", "list", "--category", "talk")
    assert [bool(each["closed_at"]) for each in listed] == [True, False]
    code, _, err = call("streams", "close", "talk-1", "--reason", "again")
    assert (code, "stream talk-1 is closed since" in err) == (5, True)
    described = ("streams", "describe", "talk-1", '{"title": "Talk"}', "--agent", "bob")
    assert call(*described)[0] == 5
    words = ("streams", "reopen", "talk-1", "--reason", "more", "--expected-version")
    assert call(*words, 2)[0] == 5
    assert answer(call, *words, 3)["stream_version"] == 4
    assert call("streams", "reopen", "talk-1", "--reason", "more")[0] == 5
    assert answer(call, *described)["stream_version"] == 5
    monkeypatch.setattr("sys.stdin", io.StringIO('{"title": "Talks"}'))
    assert call("streams", "describe", "talk-1", "-")[0] == 0
    code, out, _ = call("streams", "info", "talk-1")
    assert (code, '{"title":"Talks"}' in out) == (0, True)
    code, out, _ = call("streams", "show", "talk-1")
    assert (code, "bob" in out, "all said" in out) == (0, True, True)


REFUSED = {
    ("info", "talk-9"): 3,
    ("close", "talk-9", "--reason", "x"): 3,
    ("close", "talk-1"): 2,
    ("close", "talk-1", "--reason", " "): 5,
    ("describe", "talk-1", "{"): 2,
    ("describe", "talk-1", "[1]"): 5,
    ("of",): 2,
    ("of", "--correlation", "x"): 2,
    ("of", "--tag", "a", "--correlation", "00000000-0000-7000-8000-000000000001"): 2,
    ("runs", "--limit", "0"): 2,
}


def test_what_can_not_be_done_is_said(call: Call) -> None:
    for words, code in REFUSED.items():
        ended, out, err = call("streams", *words)
        assert (ended, out, bool(err)) == (code, "", True), words
        assert "Traceback" not in err


def test_listings(call: Call) -> None:
    assert answer(call, "streams", "categories") == [
        {"category": "talk", "streams": 2, "events": 3},
        {"category": "note", "streams": 1, "events": 1},
    ]
    only = {"event_type": "log.said", "retention_class": "work"}
    assert answer(call, "events", "types") == [only | {"events": 4, "streams": 3}]
    assert answer(call, "events", "types", "--category", "note") == [
        only | {"events": 1, "streams": 1}
    ]
    runs = answer(call, "streams", "runs", "--limit", 2)
    assert [(each["last_position"], each["events"]) for each in runs] == [(4, 1), (3, 1)]
    assert "--before 3" in call("streams", "runs", "--limit", 2)[2]
    of_run = answer(call, "streams", "of", "--correlation", runs[0]["correlation_id"])
    assert of_run == [{"stream_id": "note-1", "events": 1, "first_position": 4, "last_position": 4}]
    of_tag = answer(call, "streams", "of", "--tag", "urgent")
    assert [each["stream_id"] for each in of_tag] == ["talk-2", "note-1"]
    code, out, err = call("streams", "of", "--tag", "urgent", "--limit", 1)
    assert (code, "talk-2" in out, "there are more" in err) == (0, True, True)
    for words in (("streams", "categories"), ("streams", "runs"), ("events", "types")):
        code, out, err = call(*words)
        assert (code, bool(out), err) == (0, True, "")
