"""Load the streams, fold, decide, append, and again after a conflict: commands and transactions."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from itertools import takewhile
from time import monotonic
from typing import TYPE_CHECKING, Final, TypeVar, cast

import orjson

from eventstore.append import Receipt
from eventstore.command import Command, Decided, Decision, State, Timed, decision
from eventstore.context import Says, said_of
from eventstore.deciding.folds import Folds
from eventstore.deciding.snapshots import SnapshotStore
from eventstore.errors import CommandRefused, ConcurrencyConflict, DuplicateEventId
from eventstore.guards import Guards

if TYPE_CHECKING:
    from eventstore.store import EventStore

__all__ = ["Executor"]

MAX_TRIES: Final = 20
S = TypeVar("S", bound=State)


class Executor:
    """Executes commands on a store; for any number of threads."""

    def __init__(self, store: EventStore) -> None:
        self._store = store
        self.snapshots = SnapshotStore(store.database)
        self._folds = Folds(store, self.snapshots)

    def execute(self, command: Command, says: Says, timeout: float | None = None) -> Receipt:
        """As EventStore.execute."""
        deadline = self._store.writer.deadline(timeout)
        conflict: ConcurrencyConflict | None = None
        for _ in range(MAX_TRIES):
            reads = command.reads()
            folded = [self._folds.load(stream_id, state) for stream_id, state in reads.items()]
            versions = dict(zip(reads, (version for version, _ in folded), strict=True))
            try:
                decided = decision(command.decide(*(state for _, state in folded)))
                return self._append(
                    command, decided, versions, says, timeout and deadline - monotonic()
                )
            except ConcurrencyConflict as error:
                if error.actual < versions.get(error.stream_id, 0):
                    # The log lost events, in a failover.
                    for stream_id, state in reads.items():
                        self._folds.forget(stream_id, state)
                conflict = error
            except (CommandRefused, DuplicateEventId):
                # Perhaps because it was done already, and only the answer was lost.
                first = self._first_receipt(command, next(iter(reads)))
                if first is None:
                    raise
                return first
        assert conflict is not None, "every other outcome ends the loop"
        raise conflict

    def transact(
        self,
        stream_id: str,
        state: S,
        decide: Callable[[S], Decided],
        says: Says,
        timeout: float | None = None,
    ) -> Receipt | None:
        """As EventStore.transact."""
        deadline = self._store.writer.deadline(timeout)
        conflict: ConcurrencyConflict | None = None
        for _ in range(MAX_TRIES):
            version, now = self._folds.load(stream_id, state)
            # A fold gives what it was given: a state of the same class.
            decided = decision(decide(cast(S, now)))
            if not decided.events:
                return None
            guards = Guards({}, tuple(decided.claims), tuple(decided.releases))
            append = said_of(
                stream_id,
                decided.events,
                expected_version=version,
                tags=decided.tags,
                fail_if_any=decided.fail_if_any,
                **says,
            )
            try:
                left = timeout and deadline - monotonic()
                return self._store.record([append], guards, timeout=left)[0]
            except ConcurrencyConflict as error:
                if error.actual < version:
                    self._folds.forget(stream_id, state)  # the log lost events, in a failover
                conflict = error
        assert conflict is not None, "every other outcome ends the loop"
        raise conflict

    def _append(
        self,
        command: Command,
        decided: Decision,
        versions: dict[str, int],
        says: Says,
        timeout: float | None,
    ) -> Receipt:
        (stream_id, version), *others = versions.items()
        about = {"command": _facts(command)}
        when = {"occurred_at": command.at} if isinstance(command, Timed) else {}
        append = said_of(
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
        return self._store.record([append], guards, timeout=timeout)[0]

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
