"""Bulk import: very many appends, each with an outcome of its own, in batches of thousands.

The log gets them in the order in which they come. While the server records one batch, the next is
checked and encoded; memory holds two. The same import again adds nothing, because the event ids say
what is recorded: so one that broke off is resumed by doing it again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence, Sized
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from eventstore.append import Append, Request
from eventstore.errors import AppendRefused, InvalidEvent
from eventstore.writing.importer import Importer, Outcome

__all__ = ["Flawed", "Imported", "Item", "Refusal", "import_appends", "import_items"]

BATCH_EVENTS: Final = 4_000
BATCH_BYTES: Final = 8 * 1024 * 1024
"""So much goes in one transaction: some 50 milliseconds, in which its streams are locked."""
MOST_REFUSALS: Final = 1_000
"""Refusals that are listed one by one; all are counted."""


@dataclass(frozen=True, slots=True)
class Flawed:
    """An append that can't be recorded, and why."""

    append: Append
    error: InvalidEvent


Item = Request | Flawed
"""What is imported, all or nothing; or what keeps its place because it can't be."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """An append that was not recorded, and why."""

    number: int
    """Its place in the import, from 0."""
    stream_id: str
    error: AppendRefused | InvalidEvent


@dataclass(frozen=True, slots=True)
class Imported:
    """What became of an import, so far or at its end; the numbers are of events."""

    new: int = 0
    repeated: int = 0
    """Recorded already, in the same streams and with the same content."""
    refused: int = 0
    refusals: tuple[Refusal, ...] = ()
    """The first thousand."""
    position: int = 0
    """Of the last new event; 0 when there is none."""

    @property
    def events(self) -> int:
        """All of them."""
        return self.new + self.repeated + self.refused


def import_appends(
    importer: Importer,
    appends: Iterable[Append],
    prepare: Callable[[Append], Request],
    progress: Callable[[Imported], object] | None = None,
) -> Imported:
    """Imports appends, each of them all or nothing; `prepare` checks and encodes one.

    `progress` is called after each batch. Raises what is wrong with the database, or what the
    iterable raises; what came before is recorded then.
    """

    def items() -> Iterator[Item]:
        for append in appends:
            try:
                yield _unguarded(prepare(append))
            except InvalidEvent as error:
                if not isinstance(append, Append):
                    raise  # it has no place in the counts
                yield Flawed(append, error)

    so_far, number = Imported(), 0
    for batch in import_items(importer, items()):
        so_far = _added(so_far, batch, number, importer.position)
        number += len(batch)
        if progress is not None:
            progress(so_far)
    return so_far


def _unguarded(request: Request) -> Request:
    """The request; raises InvalidEvent for one with a condition, which no import would judge."""
    if request.guards is not None:
        raise InvalidEvent("an import judges no conditions: append it", path="fail_if_any")
    return request


def import_items(
    importer: Importer, items: Iterable[Item]
) -> Iterator[list[tuple[Item, Outcome | InvalidEvent]]]:
    """Imports requests, and says batch by batch what became of each, in order.

    Raises what the iterable raises, after everything before it is recorded and told.
    """
    batches = _batches(items)
    under_way: list[Item] | None = None
    flaw: Exception | None = None
    while True:
        try:
            batch = next(batches, None)
        except Exception as error:  # noqa: BLE001 - it is raised, after what came before it
            batch, flaw = None, error
        requests = [item for item in batch or () if isinstance(item, Request)]
        parameters = importer.parameters(requests) if requests else []
        if under_way is not None:
            yield _told(under_way, importer.finish())
        if batch is None:
            break
        if requests:
            importer.begin(requests, parameters)
            under_way = batch
        else:
            under_way = None
            yield _told(batch, [])
    if flaw is not None:
        raise flaw


def _batches(items: Iterable[Item]) -> Iterator[list[Item]]:
    """In order, within the limits, no event id twice; at an error what came before it."""
    batch: list[Item] = []
    ids: set[UUID] = set()
    size = 0
    flaw: Exception | None = None
    try:
        for item in items:
            if isinstance(item, Request):
                size += item.size
                if batch and (
                    size > BATCH_BYTES
                    or len(ids) + len(item.event_ids) > BATCH_EVENTS
                    or not ids.isdisjoint(item.event_ids)
                ):
                    yield batch
                    batch, ids, size = [], set(), item.size
                ids.update(item.event_ids)
            elif len(batch) >= BATCH_EVENTS:
                yield batch
                batch, ids, size = [], set(), 0
            batch.append(item)
    except Exception as error:  # noqa: BLE001 - as above
        flaw = error
    if batch:
        yield batch
    if flaw is not None:
        raise flaw


def _told(
    batch: list[Item], outcomes: Sequence[Outcome]
) -> list[tuple[Item, Outcome | InvalidEvent]]:
    following = iter(outcomes)
    return [(item, next(following) if isinstance(item, Request) else item.error) for item in batch]


def _added(
    so_far: Imported,
    batch: list[tuple[Item, Outcome | InvalidEvent]],
    number: int,
    position: int,
) -> Imported:
    counts = {"new": so_far.new, "repeated": so_far.repeated, "refused": so_far.refused}
    refusals: list[Refusal] = []
    for place, (item, outcome) in enumerate(batch, start=number):
        append = item.appends[0] if isinstance(item, Request) else item.append
        if isinstance(outcome, str):
            counts[outcome] += len(append.events)
        else:
            # What is no list of events counts as one, and so does an append without any.
            counts["refused"] += (isinstance(append.events, Sized) and len(append.events)) or 1
            if len(so_far.refusals) + len(refusals) < MOST_REFUSALS:
                refusals.append(Refusal(place, append.stream_id, outcome))
    return Imported(**counts, refusals=(*so_far.refusals, *refusals), position=position)
