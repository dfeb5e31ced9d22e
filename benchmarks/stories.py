"""A log like a real one: packages, work and trust, told in stories that differ by their number.

A story is one package on its way from registration to approval: the events of its stream, of the
work order that asks for it, and of the sessions of the agents that work on it, mixed as they would
come. Nothing is random, so that every run measures the same log.
"""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256
from itertools import count, pairwise
from typing import Any, Final
from uuid import UUID

from eventstore import Append, Event
from eventstore.vocabulary.packaging import (
    InstallerAdded,
    InstallerAnalyzed,
    PackageRegistered,
    PackageStatus,
    PackageStatusChanged,
    PolicyCreated,
    ScriptGenerated,
)
from eventstore.vocabulary.trust import (
    AgentRegistered,
    DecisionFeedbackGiven,
    DecisionMade,
    DecisionOutcomeKnown,
    MessageSent,
    SessionCompleted,
    SessionStarted,
    TrustMetricRecorded,
)
from eventstore.vocabulary.work import (
    ApprovalDecided,
    AttemptEnded,
    AttemptStarted,
    WorkItemAssigned,
    WorkItemQueued,
    WorkItemStatusChanged,
    WorkOrderOpened,
    WorkOrderStatusChanged,
)

__all__ = ["AGENTS", "crew", "stories", "story"]

AGENTS: Final = ("planner", "analyst", "script-writer", "policy-writer", "tester", "approver")
_ON_THE_WAY: Final[tuple[PackageStatus, ...]] = (
    "draft",
    "analyzing",
    "generating_script",
    "creating_policy",
    "testing",
    "waiting_approval",
    "completed",
)


def crew() -> Append:
    """The agents make themselves known: before the first story."""
    return Append(
        "crew-1",
        [
            AgentRegistered(agent_id=agent, name=agent.title(), persona_type="packager")
            for agent in AGENTS
        ],
        agent="planner",
    )


def stories() -> Iterator[list[Append]]:
    """Story after story, without end; each is one call of append_many."""
    for number in count(1):
        yield story(number)


def story(number: int) -> list[Append]:
    """Three streams' worth of events of one package."""
    package, order, item, session, installer = (_id(number, kind) for kind in range(5))
    agent = AGENTS[number % len(AGENTS)]
    run = _id(number, 99)

    def said(stream_id: str, events: list[Event]) -> Append:
        return Append(stream_id, events, agent=agent, correlation_id=run)

    moves = [
        PackageStatusChanged(package_id=package, from_status=before, to_status=after)
        for before, after in pairwise(_ON_THE_WAY)
    ]
    return [
        said(f"work-{order}", _work_begins(order, item, package, agent, _id(number, 5))),
        said(f"package-{package}", [*_facts(number, package, installer), *moves]),
        said(f"session-{session}", _session(number, session, agent)),
        said(f"work-{order}", _work_ends(order, item, _id(number, 5), _id(number, 6))),
    ]


def _facts(number: int, package: UUID, installer: UUID) -> list[Event]:
    digest = sha256(package.bytes).hexdigest()
    found = {"silent": ["/quiet"], "dependencies": [f"library-{number % 40}"], "native": False}
    return [
        PackageRegistered(
            package_id=package,
            name=f"application-{number}",
            version=f"{number % 9}.{number % 13}.0",
            publisher=f"publisher-{number % 50}",
            tags=["bench"],
        ),
        InstallerAdded(
            installer_id=installer,
            package_id=package,
            filename=f"application-{number}.msi",
            file_path=f"installers/application-{number}.msi",
            file_type="msi",
            size_bytes=1_000_000 + number,
            sha256=digest,
        ),
        InstallerAnalyzed(installer_id=installer, package_id=package, analysis_data=found),
        ScriptGenerated(
            script_id=_id(number, 7), package_id=package, script_content="msiexec /i $file /quiet"
        ),
        PolicyCreated(
            policy_id=_id(number, 8),
            package_id=package,
            policy_xml=f"<Allow Hash='{digest}'/>",
            policy_rules={"hashes": [digest]},
        ),
    ]


def _work_begins(order: UUID, item: UUID, package: UUID, agent: str, attempt: UUID) -> list[Event]:
    return [
        WorkOrderOpened(work_order_id=order, title=f"Package {package}"),
        WorkItemQueued(
            work_item_id=item,
            work_order_id=order,
            type="TICKET",
            content={"ask": "package, test and approve"},
            package_id=package,
        ),
        WorkOrderStatusChanged(work_order_id=order, from_status="PENDING", to_status="PROCESSING"),
        WorkItemAssigned(work_item_id=item, agent_id=agent),
        WorkItemStatusChanged(
            work_item_id=item, work_order_id=order, from_status="QUEUED", to_status="PROCESSING"
        ),
        AttemptStarted(attempt_id=attempt, work_item_id=item, agent_id=agent),
    ]


def _work_ends(order: UUID, item: UUID, attempt: UUID, approval: UUID) -> list[Event]:
    return [
        AttemptEnded(
            attempt_id=attempt, status="COMPLETED", output={"tests": 12}, duration_ms=1_250
        ),
        ApprovalDecided(
            approval_id=approval,
            work_item_id=item,
            approver="approver",
            decision="APPROVED",
            policy_version="1",
        ),
        WorkItemStatusChanged(
            work_item_id=item,
            work_order_id=order,
            from_status="PROCESSING",
            to_status="COMPLETED",
        ),
        WorkOrderStatusChanged(
            work_order_id=order, from_status="PROCESSING", to_status="COMPLETED"
        ),
    ]


def _session(number: int, session: UUID, agent: str) -> list[Event]:
    decision = _id(number, 10)
    about: dict[str, Any] = {
        "decision_id": decision,
        "session_id": session,
        "agent_id": agent,
    }
    return [
        SessionStarted(session_id=session, agent_id=agent),
        *(
            MessageSent(
                message_id=_id(number, 20 + which),
                session_id=session,
                role="agent",
                content=f"Step {which} of package {number}: what was found, and what comes next.",
            )
            for which in range(4)
        ),
        DecisionMade(
            **about,
            decision_type="risk",
            rationale="No native library, every hash recorded, all tests passed.",
            action={"risk": "low"},
            confidence=0.9,
        ),
        DecisionFeedbackGiven(**about, feedback="modified" if number % 7 == 0 else "approved"),
        DecisionOutcomeKnown(**about, outcome="failure" if number % 11 == 0 else "success"),
        TrustMetricRecorded(
            metric_id=_id(number, 30),
            session_id=session,
            agent_id=agent,
            metric_type="accuracy",
            metric_value=80.0 + number % 20,
        ),
        SessionCompleted(session_id=session),
    ]


def _id(number: int, kind: int) -> UUID:
    """The same id for the same thing in every run, spread as random ones are."""
    return UUID(bytes=sha256(f"{number}.{kind}".encode()).digest()[:16], version=4)
