"""Reads agent trails: a trail becomes a work order, its chapters work items and attempts.

| in the trail                  | in the log                                                   |
|-------------------------------|--------------------------------------------------------------|
| trail, its status             | work order opened, PROCESSING, COMPLETED or FAILED           |
| chapters of one title         | one work item; each chapter is an attempt at it              |
| agent                         | registered once for all trails, a session in each            |
| note and other things said    | message                                                      |
| decision, finding, reflection | decision, finding, reflection in the session of its agent    |
| completion evidence or marker | evidence of the work item                                    |
| error                         | error of the attempt                                         |
| retrospective, commits, files | details of the work order; confidence as accuracy in percent |

The file states no causes. Concluded are: what stands in a chapter was caused by what stands before
it there; a chapter by the start of the run, or by the attempt before it; the end of the run by the
last event before it. How an attempt ended is concluded too. Every event says in its metadata what
was, under `derived`, and where in the file it comes from, under `source`.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any, BinaryIO, Final
from uuid import NAMESPACE_URL, UUID, uuid5

from eventstore.append import Append
from eventstore.ingest.agent_trail_chapters import LOOKING_BACK, Run
from eventstore.ingest.agent_trail_file import Agent, Trail, parse
from eventstore.ingest.form import word
from eventstore.ingest.reader import Reader, whole
from eventstore.ingest.story import Story, registration
from eventstore.vocabulary.trust import (
    SessionCompleted,
    SessionStarted,
    TrustMetricRecorded,
)
from eventstore.vocabulary.work import (
    WorkOrderDetailsChanged,
    WorkOrderOpened,
    WorkOrderStatusChanged,
)

__all__ = ["NAMESPACE", "read", "reader"]

NAMESPACE: Final = uuid5(NAMESPACE_URL, "urn:eventstore:agent-trail")
"""A trail's correlation id is the version 5 UUID of its id in this namespace."""
_UNNAMED: Final = "unnamed"
"""Who speaks in a trail that names nobody."""
_LEADS: Final = frozenset({"lead", "workflow-runner"})
_KNOWN_AT_THE_START: Final[tuple[str, ...]] = ("projectId", "tags")


def read(file: BinaryIO, name: str) -> Iterator[Append]:
    """The events of one trail; raises BrokenFile or InvalidEvent."""
    trail = parse(whole(file))
    source = {"format": "agent-trail", "trail": trail.id, "file": name}
    story = Story(uuid5(NAMESPACE, trail.id), source)
    agents = _agents(trail)
    for agent in agents:
        persona = word(agent.role, "unknown")
        yield registration(NAMESPACE, agent.name, persona, source, agent.joinedAt)
    leads = [agent.name for agent in agents if agent.role in _LEADS]
    run = Run(trail, story, lead=leads[0] if leads else agents[0].name)
    opened = _open(run)
    begins = {chapter.agentName: chapter.startedAt for chapter in reversed(trail.chapters)}
    begins[run.lead] = min([chapter.startedAt for chapter in trail.chapters], default=run.end)
    for agent in agents:
        # A session begins when its agent joins, or with its first chapter if that is earlier.
        at = min(agent.joinedAt, begins.get(agent.name, agent.joinedAt))
        _join(run, agent, at, opened)
    run.tell_chapters(_start(run, opened))
    if trail.status != "active":
        _end(run, agents)
    yield from story.appends()


reader: Final = Reader(read, names=("*.json",), but_not=("*.trace.json",))
"""A companion `*.trace.json` says which agent wrote which line of code: another format."""


def _agents(trail: Trail) -> list[Agent]:
    """Who took part: as listed, then who has a chapter and is not listed; never nobody."""
    joined = {chapter.agentName: chapter.startedAt for chapter in reversed(trail.chapters)}
    if not joined and not trail.agents:
        joined[_UNNAMED] = trail.startedAt
    listed = {agent.name for agent in trail.agents}
    return trail.agents + [
        Agent.model_construct(name=name, role="unknown", joinedAt=at)
        for name, at in reversed(joined.items())
        if name not in listed
    ]


def _open(run: Run) -> UUID:
    event = WorkOrderOpened(
        work_order_id=run.order, title=run.trail.task.title, metadata=_metadata(run.trail)
    )
    at = run.trail.startedAt
    return run.story.tell(
        "opened", run.stream, event, at, cause=None, agent=run.lead, derived=["agent"]
    )


def _start(run: Run, opened: UUID) -> UUID:
    event = WorkOrderStatusChanged(
        work_order_id=run.order, from_status="PENDING", to_status="PROCESSING"
    )
    at = run.trail.startedAt
    return run.story.tell(
        "started", run.stream, event, at, cause=opened, agent=run.lead, derived=["agent"]
    )


def _metadata(trail: Trail) -> dict[str, Any]:
    """What is known of a run when it starts."""
    known = {name: trail.rest[name] for name in _KNOWN_AT_THE_START if name in trail.rest}
    return {"trail": trail.id, "task": trail.task.given, **known}


def _join(run: Run, agent: Agent, at: datetime, opened: UUID) -> None:
    session = run.session(agent.name)
    run.story.tell(
        f"agents/{agent.name}",
        f"session-{session}",
        SessionStarted(
            session_id=session,
            agent_id=agent.name,
            context={"trail": run.trail.id, "role": agent.role},
        ),
        at,
        cause=opened,
        agent=agent.name,
        other=agent.rest,
    )


def _end(run: Run, agents: list[Agent]) -> None:
    """What is known of a run when it is over: its retrospective, its results, its status."""
    trail, story, retrospective = run.trail, run.story, run.trail.retrospective
    at = run.end
    looking_back = [each.agentName for each in trail.chapters if each.title == LOOKING_BACK]
    author = looking_back[-1] if looking_back else run.lead
    facts = {name: value for name, value in trail.rest.items() if name not in _KNOWN_AT_THE_START}
    if retrospective is not None:
        facts["retrospective"] = retrospective.given
    cause = story.last
    if facts:
        event = WorkOrderDetailsChanged(
            work_order_id=run.order,
            title=trail.task.title,
            priority="MEDIUM",
            metadata={**_metadata(trail), **facts},
        )
        cause = story.tell(
            "details", run.stream, event, at, cause=cause, agent=author, derived=["agent"]
        )
    if retrospective is not None and retrospective.confidence is not None:
        metric = TrustMetricRecorded(
            metric_id=story.id("retrospective"),
            session_id=run.session(author),
            agent_id=author,
            metric_type="accuracy",
            metric_value=round(100 * retrospective.confidence, 6),
            measurement_context={
                "basis": "the run's own confidence, at its end",
                "confidence": retrospective.confidence,
            },
        )
        cause = story.tell(
            "retrospective",
            f"session-{run.session(author)}",
            metric,
            at,
            cause=cause,
            agent=author,
            derived=["agent"],
        )
    ended = WorkOrderStatusChanged(
        work_order_id=run.order,
        from_status="PROCESSING",
        to_status="COMPLETED" if trail.status == "completed" else "FAILED",
        reason=retrospective.summary if retrospective is not None else trail.status,
    )
    cause = story.tell("ended", run.stream, ended, at, cause=cause, agent=author, derived=["agent"])
    for agent in agents:
        session = run.session(agent.name)
        story.tell(
            f"agents/{agent.name}/left",
            f"session-{session}",
            SessionCompleted(session_id=session),
            at,
            cause=cause,
            agent=agent.name,
        )
