"""Appends made-up events to a store, as many as are asked for, and none a second time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from eventstore.append import Append, Request
from eventstore.store import EventStore
from eventstore.writing.importing import import_items

__all__ = ["Filled", "fill"]


@dataclass(slots=True)
class Filled:
    """What became of the events."""

    appended: Counter[str] = field(default_factory=Counter)
    """By event_type."""
    already_there: int = 0


def fill(
    store: EventStore, appends: Iterable[Append], tell: Callable[[int], object] = lambda _: None
) -> Filled:
    """Appends what is not recorded yet; `tell` is called with the number of events of each batch.

    Raises DuplicateEventId when an event is recorded otherwise than it is told now, as by another
    release: then the log has other made-up data of the same seed.
    """
    filled = Filled()
    with store.importers.lend() as importer:
        for batch in import_items(importer, (store.prepare([append]) for append in appends)):
            events = 0
            for item, outcome in batch:
                if not isinstance(outcome, str):
                    raise outcome
                assert isinstance(item, Request), "what has an outcome was sent"
                types = [event.event_type for event in item.appends[0].events]
                events += len(types)
                if outcome == "new":
                    filled.appended.update(types)
                else:
                    filled.already_there += len(types)
            tell(events)
    return filled
