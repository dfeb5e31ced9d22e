"""One run as a tree of causes: which event led to which, by whom, and how long after.

Pure: steps in, tree out. Nothing here recurses, so that a run may be 100,000 events deep.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final, Literal
from uuid import UUID

import orjson

from eventstore.reading.summary import summary
from eventstore.recorded import RecordedEvent

__all__ = ["Root", "Step", "as_json", "build", "lines", "step"]

Root = Literal["first", "outside", "later"]
"""Why a step has no cause in the tree: it names none; its cause is in no event of this run; or its
cause was recorded after it, which no real cause can be. The last keeps cycles out of the tree."""

MAX_GUIDES: Final = 16
"""Levels that are drawn; deeper ones stand below each other with their level as a number."""
MAX_NESTED: Final = 100
"""Levels of nested JSON; JSON readers give up at some hundreds."""


@dataclass(slots=True, eq=False)
class Step:
    """An event in a run, what caused it, and what it caused. Small: a run can be long."""

    position: int
    event_id: UUID
    event_type: str
    stream_id: str
    agent: str | None
    target_agent: str | None
    occurred_at: datetime
    causation_id: UUID | None
    derived: bool
    """Whether an importer concluded the cause, as against the agent having stated it."""
    summary: str
    root: Root | None = None
    """Why it stands at the top; None when its cause is in the tree."""
    since_cause: timedelta | None = None
    """Time from the cause to this, by occurred_at; None at the top."""
    caused: list[Step] = field(default_factory=list, repr=False)
    """What it led to, in log order."""


def step(recorded: RecordedEvent) -> Step:
    """What the tree needs of an event."""
    metadata = orjson.loads(recorded.metadata)
    derived = metadata.get("derived") if isinstance(metadata, dict) else None
    return Step(
        recorded.position,
        recorded.event_id,
        recorded.event_type,
        recorded.stream_id,
        recorded.agent,
        recorded.target_agent,
        recorded.occurred_at,
        recorded.causation_id,
        isinstance(derived, list) and "causation" in derived,
        summary(recorded.payload),
    )


def build(steps: Iterable[Step]) -> list[Step]:
    """Hangs each step below its cause and returns those at the top, in log order."""
    ordered = sorted(steps, key=lambda each: each.position)
    known = {each.event_id: each for each in ordered}
    roots: list[Step] = []
    for each in ordered:
        cause = known.get(each.causation_id) if each.causation_id is not None else None
        if cause is not None and cause.position < each.position:
            each.since_cause = each.occurred_at - cause.occurred_at
            cause.caused.append(each)
            continue
        if each.causation_id is None:
            each.root = "first"
        else:
            each.root = "outside" if cause is None else "later"
        roots.append(each)
    return roots


def lines(roots: Iterable[Step]) -> Iterator[tuple[str, Step]]:
    """The tree as it is drawn: for each step what stands before it, and the step.

    What one step alone led to stands below it with `↳`, on the same level: only where paths part
    does the tree go a level deeper.
    """
    waiting = [("", "", 0, root) for root in reversed(list(roots))]
    while waiting:
        head, below, level, each = waiting.pop()
        yield head, each
        while len(each.caused) == 1:
            each = each.caused[0]
            yield below + "↳ ", each
        last = len(each.caused) - 1
        for index in range(last, -1, -1):
            branch, rest = ("└─ ", "   ") if index == last else ("├─ ", "│  ")
            if level < MAX_GUIDES:
                waiting.append((below + branch, below + rest, level + 1, each.caused[index]))
            else:
                base = below.rpartition("[")[0] if level > MAX_GUIDES else below
                mark = f"{base}[{level + 1}] "
                waiting.append((mark, mark, level + 1, each.caused[index]))


def as_json(roots: Iterable[Step]) -> list[dict[str, Any]]:
    """The tree as JSON values, each step with what it `caused`.

    At MAX_NESTED levels nesting ends: what lies below such a step is in its list `deeper`, flat,
    in the order of the tree; `level` and `causation_id` tell where each belongs.
    """
    top: list[dict[str, Any]] = []
    waiting = [(root, 1, top) for root in reversed(list(roots))]
    while waiting:
        each, level, siblings = waiting.pop()
        values = _values(each, level)
        siblings.append(values)
        if level < MAX_NESTED:
            below = values["caused"] = []
        elif level == MAX_NESTED:
            below = values["deeper"] = []
        else:
            below = siblings
        waiting.extend((effect, level + 1, below) for effect in reversed(each.caused))
    return top


def _values(each: Step, level: int) -> dict[str, Any]:
    since = each.since_cause
    return {
        "level": level,
        "position": each.position,
        "event_id": str(each.event_id),
        "event_type": each.event_type,
        "stream_id": each.stream_id,
        "agent": each.agent,
        "target_agent": each.target_agent,
        "occurred_at": each.occurred_at.isoformat(),
        "since_cause_seconds": None if since is None else since.total_seconds(),
        "causation_id": str(each.causation_id) if each.causation_id else None,
        "causation_derived": each.derived,
        "root": each.root,
        "summary": each.summary,
    }
