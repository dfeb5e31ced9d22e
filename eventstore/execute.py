"""Executes commands: loads the streams, folds, decides, appends, and again after a conflict."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Mapping
from itertools import takewhile
from threading import Lock
from typing import TYPE_CHECKING, Final

import orjson

from eventstore.append import Receipt
from eventstore.command import Command, Decision, State, Timed, decision
from eventstore.context import Says, one_append
from eventstore.errors import CommandRefused, ConcurrencyConflict, DuplicateEventId
from eventstore.event import Event
from eventstore.guards import Guards

if TYPE_CHECKING:
    from eventstore.store import EventStore

__all__ = ["Executor"]

MAX_TRIES: Final = 20
_KEPT: Final = 1_000


class Executor:
    """Executes commands on a store; for any number of threads."""

    def __init__(self, store: EventStore) -> None:
        self._store = store
        self._folds = _Folds(store)

    def execute(self, command: Command, says: Says) -> Receipt:
        """As EventStore.execute."""
        conflict: ConcurrencyConflict | None = None
        for _ in range(MAX_TRIES):
            reads = command.reads()
            folded = [self._folds.load(stream_id, state) for stream_id, state in reads.items()]
            versions = dict(zip(reads, (version for version, _ in folded), strict=True))
            try:
                decided = decision(command.decide(*(state for _, state in folded)))
                return self._append(command, decided, versions, says)
            except ConcurrencyConflict as error:
                if error.actual < versions.get(error.stream_id, 0):
                    self._folds.forget(reads)  # the log lost events, in a failover
                conflict = error
            except (CommandRefused, DuplicateEventId):
                # Perhaps because it was done already, and only the answer was lost.
                first = self._first_receipt(command, next(iter(reads)))
                if first is None:
                    raise
                return first
        assert conflict is not None, "every other outcome ends the loop"
        raise conflict

    def _append(
        self,
        command: Command,
        decided: Decision,
        versions: dict[str, int],
        says: Says,
    ) -> Receipt:
        (stream_id, version), *others = versions.items()
        about = {"command": _facts(command)}
        when = {"occurred_at": command.at} if isinstance(command, Timed) else {}
        append = one_append(
            stream_id,
            [
                event.with_id(command.event_id(number))
                for number, event in enumerate(decided.events)
            ],
            expected_version=version,
            tags=decided.tags,
            fail_if_any=decided.fail_if_any,
            **{**says, **when, "metadata": {**(says.get("metadata") or {}), **about}},
        )
        guards = Guards(dict(others), tuple(decided.claims), tuple(decided.releases))
        return self._store.writer.append(self._store.prepare([append], guards))[0]

    def _first_receipt(self, command: Command, stream_id: str) -> Receipt | None:
        """The receipt of the command's first execution, if there was one.

        None as well when another wish was executed under the same command_id.
        """
        first = self._store.read_event(command.event_id(0))
        if first is None or first.stream_id != stream_id:
            return None
        if orjson.loads(first.metadata).get("command") != _facts(command):
            return None
        numbered = enumerate(self._store.read_stream(stream_id, first.stream_version))
        own = [
            event
            for _, event in takewhile(lambda n: n[1].event_id == command.event_id(n[0]), numbered)
        ]
        return Receipt(
            stream_id,
            own[-1].stream_version,
            tuple(event.position for event in own),
            tuple(event.event_id for event in own),
        )


def _facts(command: Command) -> dict[str, str]:
    """Which wish it is, and what exactly was wished, for the metadata of its events."""
    wish = hashlib.sha256(command.model_dump_json().encode()).hexdigest()
    return {"name": type(command).__name__, "id": str(command.command_id), "hash": wish}


class _Folds:
    """The states of the streams that were read last, so that only newer events are read again."""

    def __init__(self, store: EventStore) -> None:
        self._store = store
        self._mutex = Lock()
        self._kept: OrderedDict[tuple[str, type[State]], tuple[int, State]] = OrderedDict()

    def load(self, stream_id: str, initial: State) -> tuple[int, State]:
        """The stream's version and state now."""
        key = (stream_id, type(initial))
        with self._mutex:
            version, state = self._kept.get(key, (0, initial))
        for recorded in self._store.read_stream(stream_id, version + 1):
            version = recorded.stream_version
            if isinstance(recorded.event, Event):
                state = state.after(recorded.event)
        with self._mutex:
            if version >= self._kept.get(key, (0, state))[0]:  # another thread may have read on
                self._kept[key] = (version, state)
            self._kept.move_to_end(key)
            if len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
        return version, state

    def forget(self, stream_ids: Mapping[str, State]) -> None:
        """Reads these from their first event next time."""
        with self._mutex:
            for stream_id, initial in stream_ids.items():
                self._kept.pop((stream_id, type(initial)), None)
