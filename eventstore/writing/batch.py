"""A batch of waiting requests: sent in one transaction, and each caller told of its own outcome."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from eventstore.append import Request
from eventstore.errors import EventStoreError, StoreUnavailable
from eventstore.writing.appender import Appender, is_lost
from eventstore.writing.pending import Blocked, Outcome, Pending

__all__ = ["Told", "in_doubt", "send", "tell"]

_GATES: Final = 8
"""Gates that are opened at once, each the first of a chain."""
Told = list[tuple[Pending, Outcome]]
"""Requests, and how they ended."""


def send(appender: Appender, batch: Sequence[Pending], meanwhile: Callable[[], None]) -> Told:
    """Sends a batch; returns the outcomes that nobody was told of yet.

    `meanwhile` is done while the database works, if it comes to that.
    """
    try:
        outcomes = appender.append([pending.request for pending in batch], meanwhile)
    except EventStoreError as error:
        if len(batch) == 1 or is_lost(error):
            return [(pending, in_doubt(error, pending.request)) for pending in batch]
        meanwhile()  # they have waited long enough
        _send_each(appender, batch)
        return []
    except Exception as error:  # noqa: BLE001 - a thread can't raise to anybody
        return [(pending, error) for pending in batch]
    return list(zip(batch, outcomes, strict=True))


def tell(told: Told) -> None:
    """Gives each its outcome, and those of one event loop all theirs at once; empties the list."""
    desks = {pending.settle(outcome) for pending, outcome in told}
    blocked = [pending for pending, _ in told if isinstance(pending, Blocked)]
    told.clear()
    for pending, successor in zip(blocked, blocked[_GATES:], strict=False):
        pending.next = successor
    for pending in blocked[:_GATES]:
        pending.open()
    for desk in desks:
        if desk is not None:
            desk.ring()


def _send_each(appender: Appender, batch: Sequence[Pending]) -> None:
    """Sends each request alone: one of them spoils the statement for all.

    A stream that somebody holds locked for too long is not waited for again, and what nobody wants
    any more is not sent again. Once the connection is lost, what is left is in doubt.
    """
    held: dict[str, EventStoreError] = {}
    gone: EventStoreError | None = None
    for pending in batch:
        if not pending.wanted():
            continue
        streams = {append.stream_id for append in pending.request.appends}
        known = gone or next((held[one] for one in streams if one in held), None)
        outcome: Outcome
        try:
            if known is not None:
                raise known
            outcome = appender.append([pending.request])[0]
        except EventStoreError as error:
            if is_lost(error):
                gone = error
            elif isinstance(error, StoreUnavailable):
                held.update(dict.fromkeys(streams, error))
            outcome = in_doubt(error, pending.request)
        except Exception as error:  # noqa: BLE001 - as above
            outcome = error
        tell([(pending, outcome)])


def in_doubt(error: EventStoreError, request: Request) -> EventStoreError:
    """The error with the ids of the request, if nobody knows whether it was recorded."""
    if isinstance(error, StoreUnavailable) and is_lost(error):
        doubt = StoreUnavailable(error.reason, event_ids=request.event_ids)
        doubt.__cause__ = error.__cause__
        return doubt
    return error
