"""What callers were told, of appends and reads, can have come from one order of their calls."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from eventstore.connection.database import Connection
from tests.integration.log.crash import cut_one
from tests.integration.log.histories import Histories, recorded, wrong
from tests.integration.log.processes import children
from tests.integration.log.waiting import until
from tests.linearizability import UNKNOWN, Operation

CALLERS = 4


@pytest.fixture
def histories(database_url: str, admin: Connection, tmp_path: Path) -> Histories:
    """Of callers whose connections are cut."""
    log = tmp_path / "calls"
    with children(CALLERS, "history_process", database_url, str(log)) as callers:
        for caller in callers:
            caller.tell(seconds=1.2)
        for _ in range(10):
            until(lambda: cut_one(admin))
        assert [caller.hear() for caller in callers] == ["done"] * CALLERS
    return recorded(tmp_path.glob("calls.*"))


@pytest.mark.faults
def test_histories_are_linearizable_and_a_lie_in_one_is_found(histories: Histories) -> None:
    answered = [each for one in histories.values() for each in one if each.back != UNKNOWN]
    assert answered
    assert any(each.answered[0] == "conflict" for each in answered if each.asked[0] == "append")
    assert wrong(histories) == []
    # A history that is falsified is found out.
    lies = [lie for history in histories.values() for lie in falsified(history)]
    assert lies
    assert all(wrong({"falsified": lie}) for lie in lies)


def falsified(history: list[Operation]) -> Iterator[list[Operation]]:
    """The history with one answer that can't have been: an acknowledged event that is not read."""
    for number, each in enumerate(history):
        if each.asked[0] == "read" and each.back != UNKNOWN:
            for lost in acknowledged_before(history, each.call):
                others = [event_id for event_id in each.answered if event_id != lost]
                lie = replace(each, answered=others)
                yield [*history[:number], lie, *history[number + 1 :]]


def acknowledged_before(history: list[Operation], moment: float) -> list[str]:
    return [
        each.asked[1]
        for each in history
        if each.asked[0] == "append" and each.back < moment and each.answered[0] == "ok"
    ]
