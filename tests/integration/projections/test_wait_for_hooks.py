"""Waiting until a projection shows what was appended, and its hooks were told."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from eventstore import EventStore
from eventstore.connection.database import Connection
from eventstore.errors import DeadlineExceeded, EventHeld, NotFound
from eventstore.reading.arrivals import _look
from tests.integration.projections.hooking import Gate, Remembering
from tests.integration.projections.running import number, running, until
from tests.integration.projections.things import Forbidden, ThingMade, Things


def test_a_slow_hook_is_looked_for_less_and_less_often(
    store: EventStore, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And whoever comes to wait for something else is answered at once."""
    looks: list[int] = []

    def counted(connection: Connection, waiting: list[Any]) -> list[Any]:
        looks.append(len(waiting))
        return _look(connection, waiting)

    monkeypatch.setattr("eventstore.reading.arrivals._look", counted)
    gate = Gate()
    with running(url, Things(), hooks=[Remembering(when_told=gate)]):
        receipt = store.append("thing-1", [ThingMade(thing_id=number(1), name="one")])
        assert gate.reached.wait(20)
        with pytest.raises(DeadlineExceeded, match="hooks"):
            store.wait_for(receipt, "things", timeout=2.0)
        # A look takes ten milliseconds, so there would be two hundred of them.
        assert 0 < len(looks) < 50
        with ThreadPoolExecutor(1) as other:
            slow = other.submit(store.wait_for, receipt, "things", timeout=20)
            count = len(looks)
            until(lambda: len(looks) > count + 5, "it waits")
            with pytest.raises(NotFound):
                store.wait_for(receipt, "nothing", timeout=20)
            gate.opened.set()
            assert slow.result() >= receipt.positions[-1]


def test_it_waits_for_tables_and_hooks(store: EventStore, url: str) -> None:
    gate = Gate()
    with running(url, Things(), hooks=[Remembering(when_told=gate)]):
        receipt = store.append("thing-1", [ThingMade(thing_id=number(1), name="one")])
        assert gate.reached.wait(20)
        with pytest.raises(DeadlineExceeded, match="hooks"):
            store.wait_for(receipt, "things", timeout=0.2)
        gate.opened.set()
        assert store.wait_for(receipt, "things", timeout=20) >= receipt.positions[-1]
        refused = store.append("thing-1", [Forbidden(thing_id=number(1))])
        with pytest.raises(EventHeld):
            store.wait_for(refused, "things", timeout=20)
