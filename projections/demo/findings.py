"""What came of a run, as the tables, the log and a replay of it tell it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from typing import Any, Final
from uuid import UUID

from eventstore import EventStore
from eventstore.connection.database import translated
from eventstore.connection.queries import load
from eventstore.reading.trace import Step, as_json, build, step
from eventstore.vocabulary.work import EvidenceGiven, WorkItemStatusChanged
from projections.audit.replay import row_as_of
from projections.audit.verify import Verified, verify
from projections.catalogue import PROJECTIONS
from projections.demo.agents.planner import Planner
from projections.demo.files import Check
from projections.demo.team import Team
from projections.session import Connection, open_session

__all__ = ["AsOf", "Findings", "Item", "gather"]

_SQL: Final = load("projections.demo.sql", "findings.sql")


@dataclass(frozen=True, slots=True)
class Item:
    """A work item, and what became of its package."""

    work_item_id: UUID
    correlation_id: UUID
    title: str
    status: str
    attempts: int
    package_id: UUID | None
    package_status: str | None
    decision: str | None
    """The last approval; None when it came to none."""
    reason: str
    """Why it ended as it did."""
    approval_position: int | None
    escalated: bool
    """Whether its files were read a second time before it was decided."""
    recheck: bool
    """Whether the package was completed before, and only its files were looked at."""


@dataclass(frozen=True, slots=True)
class AsOf:
    """A row before and after an approval, by the projection's own rules."""

    table: str
    key: UUID
    before: int
    """The position before the approval's."""
    after: int
    """The position of the last event that followed from it."""
    changed: dict[str, tuple[Any, Any]]
    """The columns that differ, as they were and as they became."""


@dataclass(frozen=True, slots=True)
class Findings:
    """Everything that the demo tells."""

    work_order_id: UUID
    events: int
    files_proved: int
    bytes_read: int
    packages: dict[str, int]
    work_items: dict[str, int]
    items: tuple[Item, ...]
    trust_levels: tuple[dict[str, Any], ...]
    trust_metrics: tuple[dict[str, Any], ...]
    example: Item
    """The item whose way is shown."""
    tree: list[Step]
    as_of: AsOf | None
    """None when the example came to no approval."""
    verified: tuple[Verified, ...]

    @property
    def failed(self) -> list[Item]:
        """The items that failed, in the order's own order."""
        return [item for item in self.items if item.status == "FAILED"]

    @property
    def wrong(self) -> int:
        """Rows that are not what a replay of the log says."""
        return sum(each.wrong for each in self.verified)

    def as_json(self) -> dict[str, Any]:
        """All of it as JSON values."""
        return {
            **{name: getattr(self, name) for name in _PLAIN},
            "items": [asdict(item) for item in self.items],
            "example": {
                "title": self.example.title,
                "correlation_id": self.example.correlation_id,
                "tree": as_json(self.tree),
                "as_of": asdict(self.as_of) if self.as_of is not None else None,
            },
            "verified": [asdict(each) for each in self.verified],
        }


_PLAIN: Final = (
    "work_order_id",
    "events",
    "files_proved",
    "bytes_read",
    "packages",
    "work_items",
    "trust_levels",
    "trust_metrics",
)


def gather(store: EventStore, url: str, team: Team, planner: Planner) -> Findings:
    """Reads what the projector made of the run; the tables must be up to date."""
    with closing(open_session(url, part="demo", role="auditor")) as conn:
        asked = _Query(conn, store, team, planner)
        items = tuple(_item(store, planner, row) for row in asked("items"))
        example = _most_telling(items)
        events = list(store.read_correlation(example.correlation_id))
        proved, size = _evidence(store, planner)
        return Findings(
            work_order_id=planner.order_id,
            events=asked("events")[0][0],
            files_proved=proved,
            bytes_read=size,
            packages=dict(asked("packages")),
            work_items=dict(asked("work_items")),
            items=items,
            trust_levels=asked.rows("trust_levels"),
            trust_metrics=asked.rows("trust_metrics"),
            example=example,
            tree=build(map(step, events)),
            as_of=_as_of(conn, store, example, events[-1].position),
            verified=tuple(verify(url, projection) for projection in PROJECTIONS),
        )


class _Query:
    """Asks the named queries about one run."""

    def __init__(self, conn: Connection, store: EventStore, team: Team, planner: Planner) -> None:
        self._conn = conn
        self._about = {
            "tenant": store.tenant,
            "order_id": planner.order_id,
            "runs": [planner.order_id, *planner.runs.values()],
            "agents": list(team.agents),
            "sessions": [agent.session_id for agent in team.agents.values()],
        }

    def __call__(self, name: str) -> list[tuple[Any, ...]]:
        with translated():
            return self._conn.execute(_SQL[name], self._about).fetchall()

    def rows(self, name: str) -> tuple[dict[str, Any], ...]:
        """The rows with their columns' names."""
        with translated():
            cursor = self._conn.execute(_SQL[name], self._about)
            names = [column.name for column in cursor.description or ()]
            return tuple(dict(zip(names, row, strict=True)) for row in cursor)


def _item(store: EventStore, planner: Planner, row: Sequence[Any]) -> Item:
    item_id, status, content, attempts, package_id, package_status, *approval = row
    decision, position, escalated = approval
    named = "name" in content
    return Item(
        work_item_id=item_id,
        correlation_id=planner.runs[item_id],
        title=f"{content['name']} {content['version']}" if named else content["location"],
        status=status,
        attempts=attempts,
        package_id=package_id,
        package_status=package_status,
        decision=decision,
        reason=_reason(store, item_id),
        approval_position=position,
        escalated=bool(escalated),
        recheck=bool(content.get("recheck", False)),
    )


def _reason(store: EventStore, item_id: UUID) -> str:
    """What the last move of an item said; the tables keep only the status."""
    for recorded in store.read_stream(f"work_item-{item_id}", backwards=True):
        if isinstance(recorded.event, WorkItemStatusChanged):
            return recorded.event.reason or ""
    return ""


def _most_telling(items: Sequence[Item]) -> Item:
    """The first of the most eventful kind: rejected after a test, escalated, approved, any."""
    kinds = [
        [item for item in items if item.decision == "REJECTED" and item.attempts > 1],
        [item for item in items if item.escalated],
        [item for item in items if item.decision == "APPROVED"],
        items,
    ]
    return next(found[0] for found in kinds if found)


def _evidence(store: EventStore, planner: Planner) -> tuple[int, int]:
    """(files proved, bytes read) in this run, every reading counted."""
    total: Counter[str] = Counter()
    for run in planner.runs.values():
        for recorded in store.read_correlation(run):
            if isinstance(recorded.event, EvidenceGiven):
                check = Check.from_details(recorded.event.details)
                total.update(proved=check.proved, size=check.bytes_read)
    return total["proved"], total["size"]


def _as_of(conn: Connection, store: EventStore, item: Item, last: int) -> AsOf | None:
    """The package around its approval; a package that was final before did not move."""
    if item.approval_position is None:
        return None
    table = "work_items" if item.recheck else "packages"
    key = item.work_item_id if item.recheck else item.package_id
    assert key is not None, "what is decided about has a package"
    before, after = (
        vars(row_as_of(conn, table, (key,), at, tenant=store.tenant).row)
        for at in (item.approval_position - 1, last)
    )
    changed = {name: (before[name], after[name]) for name in after if before[name] != after[name]}
    return AsOf(table, key, item.approval_position - 1, last, changed)
