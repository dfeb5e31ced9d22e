"""Appends made-up events to a store, as many as are asked for, and none a second time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Final

from eventstore.append import Append, Receipt
from eventstore.errors import DuplicateEventId
from eventstore.store import EventStore

__all__ = ["Filled", "fill"]

_A_CALL: Final = 2_000
"""Events of one call of append_many."""


@dataclass(slots=True)
class Filled:
    """What became of the events."""

    appended: Counter[str] = field(default_factory=Counter)
    """By event_type."""
    already_there: int = 0


def fill(
    store: EventStore, appends: Iterable[Append], tell: Callable[[int], object] = lambda _: None
) -> Filled:
    """Appends what is not recorded yet; `tell` is called with the number of events of each call.

    Raises DuplicateEventId when an event is recorded otherwise than it is told now, as by another
    release: then the log has other made-up data of the same seed.
    """
    filled, before = Filled(), store.watermark()
    rest = iter(appends)
    while call := list(islice(rest, _A_CALL)):
        for append, receipt in _recorded(store, call):
            if receipt.position > before:
                filled.appended.update(event.event_type for event in append.events)
            else:
                filled.already_there += len(append.events)
        tell(len(call))
    return filled


def _recorded(store: EventStore, call: Sequence[Append]) -> Iterator[tuple[Append, Receipt]]:
    """Appends all; a request of which a part is in the log already is sent in smaller ones."""
    try:
        receipts = store.append_many(call)
    except DuplicateEventId as error:
        if error.reason != "partly recorded" or len(call) == 1:
            raise
        for part in _parts(call):
            yield from _recorded(store, part)
    else:
        yield from zip(call, receipts, strict=True)


def _parts(call: Sequence[Append]) -> list[Sequence[Append]]:
    """By context, since some may have been told before without the others; else in halves."""
    of_contexts: dict[str, list[Append]] = {}
    for append in call:
        context = append.events[0].event_type.partition(".")[0]
        of_contexts.setdefault(context, []).append(append)
    if len(of_contexts) > 1:
        return list(of_contexts.values())
    middle = len(call) // 2
    return [call[:middle], call[middle:]]
