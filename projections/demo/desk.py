"""An agent at work: it reads the case, does what it does, and writes its turn."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeVar
from uuid import UUID

from eventstore import EventStore, RecordedEvent
from eventstore.errors import ConcurrencyConflict
from projections.demo.case import Case
from projections.demo.package import PackageNow
from projections.demo.team import Agent, Team
from projections.demo.turn import Turn

__all__ = ["Answer", "Desk", "record"]

_TRIES: Final = 10
"""How often a turn is written anew because somebody else was faster."""

R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Desk:
    """Who works here, whom it knows, and the log before it."""

    store: EventStore
    agent: Agent
    team: Team

    def case(self, correlation_id: UUID) -> Case:
        """What the log says of a run; raises LookupError when no work item began it."""
        case = Case.of(self.store.read_correlation(correlation_id))
        if case is None:
            raise LookupError(f"no work item was queued under correlation {correlation_id}")
        return case

    def write(self, asked: RecordedEvent | None, case: Case, compose: Callable[[Turn], R]) -> R:
        """Appends what `compose` says in answer to `asked`, all or nothing; returns its value.

        Raises PackageTaken when somebody else has moved the package.
        """
        return record(
            self.store,
            compose,
            agent=self.agent,
            correlation_id=case.correlation_id,
            package_id=case.item.package_id,
            asked=asked,
        )


def record(
    store: EventStore,
    compose: Callable[[Turn], R],
    *,
    agent: Agent,
    correlation_id: UUID,
    package_id: UUID | None = None,
    asked: RecordedEvent | None = None,
) -> R:
    """Appends the turn that `compose` puts together, and returns its value.

    When the package's stream has moved on meanwhile, it is read again, and `compose` decides anew.
    """
    for tried in range(1, _TRIES + 1):
        package = PackageNow.read(store, package_id) if package_id is not None else None
        turn = Turn(agent, correlation_id, asked=asked, package=package)
        value = compose(turn)
        try:
            store.append_many(turn.appends)
        except ConcurrencyConflict:
            if tried == _TRIES:
                raise
            continue
        return value
    raise AssertionError("the last try returns or raises")


Answer = Callable[[Desk, Case, RecordedEvent], None]
"""What an agent does about a message: it reads, works, and writes its turn."""
