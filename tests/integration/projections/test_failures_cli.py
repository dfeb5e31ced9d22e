"""`eventstore projections failures`: what it prints, and how it ends."""

from __future__ import annotations

import getpass
import json
from collections.abc import Callable
from typing import Any

import pytest

from eventstore import Event, EventStore
from eventstore.cli.main import main
from eventstore.vocabulary.work import (
    WorkItemQueued,
    WorkItemStatusChanged,
    WorkOrderOpened,
)
from projections.catalogue import PROJECTIONS
from projections.session import Connection
from tests.integration.projections.running import number

Call = Callable[..., tuple[int, str, str]]
ORDER, ITEM = number(1), number(2)


@pytest.fixture
def call(url: str, capsys: pytest.CaptureFixture[str]) -> Call:
    """Runs a command; returns its exit code, stdout and stderr."""

    def run(*words: object) -> tuple[int, str, str]:
        capsys.readouterr()
        code = main([*map(str, words), "--database-url", url])
        said = capsys.readouterr()
        return code, said.out, said.err

    return run


def answer(call: Call, *words: object, code: int = 0) -> Any:
    """What a command says in JSON."""
    found, out, err = call("projections", *words, "--json")
    assert found == code, err
    return json.loads(out)


@pytest.fixture
def positions(store: EventStore, call: Call) -> list[int]:
    """A work item that is done before it is queued, and moves that wait for that."""
    said: list[Event] = [
        WorkOrderOpened(work_order_id=ORDER, title="first"),
        WorkItemStatusChanged(
            work_item_id=ITEM, work_order_id=ORDER, from_status="QUEUED", to_status="PROCESSING"
        ),
        WorkItemQueued(work_item_id=ITEM, work_order_id=ORDER, type="TICKET"),
        WorkOrderOpened(work_order_id=number(3), title="second"),
    ]
    found = [store.append("work_order-1", [event], agent="a").position for event in said]
    assert list(answer(call, "run", "--once", code=6)) == ["work"]
    return found


def test_run_once_says_that_some_is_held(
    call: Call, positions: list[int], caplog: pytest.LogCaptureFixture
) -> None:
    """A script that runs it sees that the tables lack something, and where to look."""
    words = (
        "holds 1 failed events, and 1 that wait for them: "
        "`eventstore projections failures list work`"
    )
    assert answer(call, "run", "--once", code=6) == {"work": words}
    caplog.clear()
    code, out, _ = call("projections", "run", "--once", "work")
    assert (code, out) == (6, "")
    assert words in caplog.text
    assert answer(call, "run", "--once", "trust") == {}
    answer(call, "failures", "discard", "work", positions[1], "--reason", "said too early")
    assert answer(call, "run", "--once") == {}


def test_list(call: Call, positions: list[int]) -> None:
    (failure,) = answer(call, "failures", "list")
    assert failure["projection"] == "work"
    assert failure["position"] == positions[1]
    assert failure["event_type"] == "work.work_item_status_changed"
    assert failure["stream_id"] == "work_order-1"
    assert failure["tenant_id"] == "default"
    assert failure["origin"] == "rules"
    assert "MissingRow" in failure["error"]
    assert (failure["attempts"], failure["waiting"], failure["retry_at"]) == (1, 1, None)
    assert answer(call, "failures", "list", "work") == [failure]
    assert answer(call, "failures", "list", "trust") == []
    code, out, _ = call("projections", "failures", "list")
    assert code == 0
    assert "MissingRow" in out
    assert "waiting" in out


def test_show(call: Call, positions: list[int]) -> None:
    found = answer(call, "failures", "show", "work", positions[1])
    assert sorted(found["keys"]) == [
        ["work_items", "default", str(ITEM)],
        ["work_orders", "default", str(ORDER)],
    ]
    assert found["event"]["data"]["to_status"] == "PROCESSING"
    assert "Traceback" in found["traceback"]
    assert [each["position"] for each in found["waiting"]] == [positions[2]]
    waits = answer(call, "failures", "show", "work", positions[2])
    assert (waits["behind"], waits["error"], waits["waiting"]) == (positions[1], None, [])
    code, out, err = call("projections", "failures", "show", "work", positions[1])
    assert code == 0
    assert "PROCESSING" in out
    assert "MissingRow" in out
    assert str(positions[2]) in out
    assert "wait" in err


def test_retry_that_fails_again(call: Call, positions: list[int]) -> None:
    (tried,) = answer(call, "failures", "retry", "work", positions[1], code=1)
    assert (tried["position"], tried["applied"]) == (positions[1], False)
    assert "MissingRow" in tried["error"]
    (failure,) = answer(call, "failures", "list")
    assert failure["attempts"] == 2
    code, out, _ = call("projections", "failures", "retry", "work", "--all")
    assert code == 1
    assert "MissingRow" in out
    assert answer(call, "failures", "retry", "trust", "--all") == []


def test_discard(call: Call, conn: Connection, store: EventStore, positions: list[int]) -> None:
    words = ("failures", "discard", "work", positions[1], "--reason", "said too early")
    assert answer(call, *words) == {
        "projection": "work",
        "position": positions[1],
        "discarded": True,
    }
    assert answer(call, "failures", "list") == []
    assert conn.execute("SELECT status FROM work_items").fetchall() == [("QUEUED",)]
    (fact,) = store.read_stream("projection_work-discards")
    assert fact.agent == getpass.getuser()
    assert fact.payload["reason"] == "said too early"
    found = answer(call, "verify", "--all")
    assert [each["wrong"] for each in found] == [0] * len(PROJECTIONS)


def test_discard_in_another_name(call: Call, store: EventStore, positions: list[int]) -> None:
    code, out, err = call(
        "projections", "failures", "discard", "work", positions[1], "--reason", "r",
        "--agent", "operator",
    )  # fmt: skip
    assert (code, out) == (0, "")
    assert f"leaves out the event at position {positions[1]}" in err
    (fact,) = store.read_stream("projection_work-discards")
    assert fact.agent == "operator"


def test_as_of_shows_what_is_held(call: Call, positions: list[int]) -> None:
    words = ("audit", "as-of", "work_orders", ORDER, "--at", positions[-1])
    code, out, _ = call(*words, "--json")
    assert code == 0
    held = json.loads(out)["held"]
    assert [(each["position"], each["waits_for"]) for each in held] == [
        (positions[1], None),
        (positions[2], positions[1]),
    ]
    code, out, err = call(*words)
    assert code == 0
    assert "MissingRow" in out
    assert "could not be applied" in err
    code, out, err = call("audit", "as-of", "work_items", ITEM, "--at", positions[-1])
    assert (code, out) == (3, "")
    assert "held events name it" in err


MISTAKES: list[tuple[tuple[str, ...], int]] = [
    (("list", "nothing"), 3),
    (("show", "nothing", "1"), 3),
    (("show", "work", "1"), 3),
    (("show", "work", "one"), 2),
    (("retry", "work"), 2),
    (("retry", "work", "2", "--all"), 2),
    (("retry", "work", "1"), 3),
    (("retry", "work", "3"), 5),
    (("discard", "work", "2"), 2),
    (("discard", "work", "1", "--reason", "r"), 3),
    (("discard", "work", "3", "--reason", "r"), 5),
    (("discard", "work", "2", "--reason", " "), 5),
    (("discard", "work", "2", "--reason", "r", "--agent", "\x07"), 5),
]


def test_mistakes(call: Call, positions: list[int]) -> None:
    assert positions[:3] == [1, 2, 3]
    for words, code in MISTAKES:
        found, out, err = call("projections", "failures", *words)
        assert (words, found, out) == (words, code, "")
    assert err
    assert "Traceback" not in err
