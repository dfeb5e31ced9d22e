"""What a hook is, and what it is told."""

from __future__ import annotations

from abc import ABC, abstractmethod
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

from eventstore import RecordedEvent
from projections.projection import State

__all__ = ["Changes", "Hook"]


@dataclass(frozen=True, slots=True)
class Changes:
    """What a stretch of the log did to the tables of one shard; it is committed."""

    projection: str
    shard: int
    after: int
    until: int
    """The stretch is after < position <= until."""
    events: tuple[RecordedEvent, ...]
    """Those that were applied, in order of position; never empty."""
    rows: State
    """The rows that these events name and may have changed, by table and key, as they are now,
    which may be newer than the stretch. None for one that is not there, whether an event has
    removed it or none has made it."""
    late: bool = False
    """Whether the events were held when their turn came, and are applied only now."""


class Hook(ABC):
    """Something to do after a projection's tables have changed.

    It is called for every event that the live tables apply, at least once: what it was busy with
    when its process died, it is told again. Calls come one after the other within a shard, in
    order of position; a held event comes when it is applied, and before later ones of its rows.
    Nothing is told during a rebuild, nor what a rebuild has applied before.
    """

    name: str
    """A short word of lower-case letters, digits and _; its place is kept under it."""
    projection: str
    """Name of the projection that it follows."""
    from_start: bool = False
    """Whether it is told of the whole log when it is first seen, and not only of what comes."""

    def holding(self, shard: int, fencing_token: int) -> AbstractContextManager[object]:
        """Entered while this process is the one that tells the hook of a shard; not thread-bound.

        A later holder has a greater `fencing_token`. For what has to live as long as that.
        """
        return nullcontext()

    @abstractmethod
    def after_commit(self, changes: Changes) -> None:
        """Does it. Whatever it raises is kept, and it is called again with the same events."""
