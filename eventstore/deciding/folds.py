"""The state that a stream folds to now, without reading again what was read before."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from threading import Lock
from typing import Final

from eventstore.command import State
from eventstore.deciding.snapshots import SnapshotStore, keeps_snapshots
from eventstore.event import Event
from eventstore.reader import LogReader

__all__ = ["Folds"]

_KEPT: Final = 1_000
"""Streams whose states are remembered."""


@dataclass(frozen=True, slots=True)
class _Folded:
    stream_version: int
    state: State
    snapshot: int
    """The stream_version of the newest snapshot, as far as this process knows."""
    whole: bool = True
    """Whether every event is in the state that a newer program could read."""


class Folds:
    """The states of the streams that were read last; for any number of threads.

    A state that is not remembered begins with its snapshot, if its class keeps any.
    """

    def __init__(self, log: LogReader, snapshots: SnapshotStore) -> None:
        self._log, self._snapshots = log, snapshots
        self._mutex = Lock()
        self._kept: OrderedDict[tuple[str, type[State]], _Folded] = OrderedDict()

    def load(self, stream_id: str, initial: State) -> tuple[int, State]:
        """The stream's version and state now; `initial` is the state before any event."""
        key = (stream_id, type(initial))
        with self._mutex:
            known = self._kept.get(key)
        if known is None:
            version, state = self._snapshots.load(stream_id, initial)
            known = _Folded(version, state, version)
        version, state, whole = known.stream_version, known.state, known.whole
        for recorded in self._log.read_stream(stream_id, version + 1):
            version = recorded.stream_version
            if isinstance(recorded.event, Event):
                state = state.after(recorded.event)
            elif self._log.registry.knows_type(recorded.event_type):
                # Of a schema_version that this program is too old for; a newer one, whose fold is
                # the same, must not begin with what was folded without it.
                whole = False
        snapshot = known.snapshot
        if whole:
            snapshot = self._snapshots.keep(stream_id, version, state, snapshot)
        with self._mutex:
            newest = self._kept.get(key)
            # Another thread may have read on.
            if newest is None or version >= newest.stream_version:
                self._kept[key] = _Folded(version, state, snapshot, whole)
            self._kept.move_to_end(key)
            if len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
        return version, state

    def forget(self, stream_id: str, initial: State) -> None:
        """Reads the stream from its first event next time, whatever its snapshot says."""
        with self._mutex:
            self._kept.pop((stream_id, type(initial)), None)
        if keeps_snapshots(type(initial)):
            self._snapshots.drop(stream_id)
