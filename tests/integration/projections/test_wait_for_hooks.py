"""Waiting until a projection shows what was appended, and its hooks were told."""

from __future__ import annotations

import pytest

from eventstore import EventStore
from eventstore.errors import DeadlineExceeded, EventHeld
from tests.integration.projections.hooking import Gate, Remembering
from tests.integration.projections.running import number, running
from tests.integration.projections.things import Forbidden, ThingMade, Things


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
