"""The planner opens one order with an item for each distribution, and closes it when all are done.

What becomes of a distribution depends on what the log says of its package:

- it is not there: it is registered, and goes through the crew;
- it is completed: that is final, so its files are only checked once more;
- it failed, or an earlier run left it half-way: it becomes a draft, for a new try;
- it is deleted: it is left alone.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from uuid_utils.compat import uuid7

from eventstore import Append, EventStore
from eventstore.vocabulary.packaging import PackageRegistered
from eventstore.vocabulary.trust import AgentRegistered, SessionCompleted, SessionStarted
from eventstore.vocabulary.work import (
    ErrorReported,
    WorkItemQueued,
    WorkItemStatusChanged,
    WorkOrderOpened,
    WorkOrderStatus,
    WorkOrderStatusChanged,
    register_work_item_type,
)
from projections.demo.desk import record
from projections.demo.distributions import Identity, Unreadable, identify, printable
from projections.demo.package import package_id_of
from projections.demo.team import Team
from projections.demo.turn import Turn

__all__ = ["Planner"]

PACKAGE: Final = register_work_item_type("PACKAGE")
"""The type of the order's items."""


class Planner:
    """The order of one run, and what is still open of it."""

    def __init__(self, store: EventStore, team: Team) -> None:
        self.order_id = uuid7()
        self.runs: dict[UUID, UUID] = {}
        """The correlation of each work item."""
        self.open: set[UUID] = set()
        """The correlations of the items that were handed out and have no end yet."""
        self.plans: Counter[str] = Counter()
        """How many distributions are new, tried again, checked again, or left alone."""
        self._store, self._team, self._opened = store, team, UUID(int=0)
        self._handed_out: dict[UUID, Path] = {}

    def open_order(self, title: str, metadata: dict[str, Any]) -> None:
        """The crew makes itself known, each in a session of its own; then there is an order."""
        appends: list[Append] = []
        for agent in self._team.agents.values():
            turn = Turn(agent, self.order_id)
            registered = turn.say(
                agent.stream,
                AgentRegistered(
                    agent_id=agent.agent_id,
                    name=agent.agent_id.replace("-", " "),
                    persona_type=agent.persona,
                    capabilities={"duty": agent.duty},
                ),
            )
            session = SessionStarted(
                session_id=agent.session_id,
                agent_id=agent.agent_id,
                context={"work_order_id": str(self.order_id)},
            )
            turn.say(agent.stream, session, because=registered)
            appends += turn.appends
        turn = Turn(self._team.planner, self.order_id)
        order = WorkOrderOpened(work_order_id=self.order_id, title=title, metadata=metadata)
        self._opened = turn.say(self._stream, order)
        self._move_order(turn, "PENDING", "PROCESSING", None)
        self._store.append_many(appends + turn.appends)

    def hand_out(self, location: Path, number: int) -> None:
        """Queues the item of one distribution, and asks an analyst to begin."""
        try:
            if not _can_be_said(location):
                raise Unreadable("its path has characters that can't be stored")
            identity = identify(location)
        except Unreadable as flaw:
            self._refuse(location, number, str(flaw))
            return
        package_id = package_id_of(self._store, identity)
        if self._handed_out.setdefault(package_id, location) != location:
            same = self._handed_out[package_id]
            self._refuse(location, number, f"it is the same package as {same.name}")
            return
        item_id, run = uuid7(), uuid7()
        self.runs[item_id] = run
        self.open.add(run)  # before it is recorded, so that nothing which is can be forgotten

        def compose(turn: Turn) -> str:
            plan = self._plan(turn)
            content = {
                "number": number,
                "location": str(location),
                "publisher": identity.publisher,
                "name": identity.name,
                "version": identity.version,
                "summary": identity.summary,
                "recheck": plan == "check again",
            }
            queued = self._queue(turn, item_id, content, package_id)
            if plan == "leave alone":
                self._fail(turn, item_id, queued, "the package is deleted; restore it first")
                return plan
            self._make_draft(turn, identity, package_id, plan, queued)
            turn.tell(
                self._team.analyst(number), f"please examine {identity.title}", because=queued
            )
            return plan

        plan = record(
            self._store,
            compose,
            agent=self._team.planner,
            correlation_id=run,
            package_id=package_id,
        )
        self.plans[plan] += 1
        if plan == "leave alone":
            self.open.discard(run)

    def close_order(self, status: WorkOrderStatus, reason: str) -> None:
        """The order is done or given up, and so are the sessions."""
        turn = Turn(self._team.planner, self.order_id)
        ended = self._move_order(turn, "PROCESSING", status, reason)
        appends = turn.appends
        for agent in self._team.agents.values():
            own = Turn(agent, self.order_id)
            own.say(agent.stream, SessionCompleted(session_id=agent.session_id), because=ended)
            appends += own.appends
        self._store.append_many(appends)

    @property
    def _stream(self) -> str:
        return f"work_order-{self.order_id}"

    def _move_order(
        self, turn: Turn, before: WorkOrderStatus, after: WorkOrderStatus, reason: str | None
    ) -> UUID:
        moved = WorkOrderStatusChanged(
            work_order_id=self.order_id, from_status=before, to_status=after, reason=reason
        )
        return turn.say(self._stream, moved, because=self._opened)

    def _plan(self, turn: Turn) -> str:
        row = turn.package.row if turn.package is not None else None
        if row is None:
            return "new"
        if row.deleted_at is not None:
            return "leave alone"
        return "check again" if row.status == "completed" else "try again"

    def _queue(
        self, turn: Turn, item_id: UUID, content: dict[str, Any], package_id: UUID | None
    ) -> UUID:
        item = WorkItemQueued(
            work_item_id=item_id,
            work_order_id=self.order_id,
            type=PACKAGE,
            content=content,
            package_id=package_id,
        )
        return turn.say(f"work_item-{item_id}", item, because=self._opened)

    def _make_draft(
        self, turn: Turn, identity: Identity, package_id: UUID, plan: str, queued: UUID
    ) -> None:
        """Brings the package to the beginning of its way."""
        if plan == "new":
            registered = PackageRegistered(
                package_id=package_id,
                name=identity.name,
                version=identity.version,
                publisher=identity.publisher,
                description=identity.summary,
                metadata={"ecosystem": "python"},
                tags=["python"],
            )
            turn.of_package(registered, because=queued)
        elif plan == "try again":
            status = turn.status
            if status not in ("draft", "failed", None):
                left = f"an earlier run left it {status}"
                turn.move(status, "failed", left, because=queued)
            if turn.status == "failed":
                turn.move("failed", "draft", "a new try", because=queued)

    def _refuse(self, location: Path, number: int, reason: str) -> None:
        """Queues an item that has no package, and ends it there."""
        item_id, run = uuid7(), uuid7()

        def compose(turn: Turn) -> None:
            content = {"number": number, "location": printable(str(location))}
            queued = self._queue(turn, item_id, content, None)
            self._fail(turn, item_id, queued, reason)

        record(self._store, compose, agent=self._team.planner, correlation_id=run)
        self.runs[item_id] = run
        self.plans["leave alone"] += 1

    def _fail(self, turn: Turn, item_id: UUID, queued: UUID, reason: str) -> None:
        stream = f"work_item-{item_id}"
        error = ErrorReported(work_item_id=item_id, error=reason, cause="not_to_be_packaged")
        reported = turn.say(stream, error, because=queued)
        failed = WorkItemStatusChanged(
            work_item_id=item_id,
            work_order_id=self.order_id,
            from_status="QUEUED",
            to_status="FAILED",
            reason=reason,
        )
        turn.say(stream, failed, because=reported)


def _can_be_said(location: Path) -> bool:
    """Whether the path can be told in an event as it is."""
    return printable(str(location)) == str(location)
