"""The state that a stream folds to now, without reading again what was read before."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from threading import Lock
from typing import Final

from eventstore.command import State
from eventstore.event import Event
from eventstore.reader import LogReader
from eventstore.snapshots import SnapshotStore, keeps_snapshots

__all__ = ["Folds"]

_KEPT: Final = 1_000
"""Streams whose states are remembered."""


@dataclass(frozen=True, slots=True)
class _Folded:
    stream_version: int
    state: State
    snapshot: int
    """The stream_version of the newest snapshot, as far as this process knows."""


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
        version, state = known.stream_version, known.state
        for recorded in self._log.read_stream(stream_id, version + 1):
            version = recorded.stream_version
            if isinstance(recorded.event, Event):
                state = state.after(recorded.event)
        snapshot = self._snapshots.keep(stream_id, version, state, known.snapshot)
        with self._mutex:
            newest = self._kept.get(key)
            if (
                newest is None or version >= newest.stream_version
            ):  # another thread may have read on
                self._kept[key] = _Folded(version, state, snapshot)
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
