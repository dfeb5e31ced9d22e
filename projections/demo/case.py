"""One package in one run, as the log tells it: agents keep nothing to themselves between turns."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID

from eventstore import RecordedEvent
from eventstore.vocabulary.packaging import PolicyCreated, PolicyTested
from eventstore.vocabulary.trust import DecisionMade, FindingReported
from eventstore.vocabulary.work import (
    AttemptEnded,
    AttemptStarted,
    EvidenceGiven,
    WorkItemQueued,
    WorkItemStatusChanged,
)
from projections.demo.analysis import Analysis
from projections.demo.distributions import Identity
from projections.demo.files import Check

__all__ = ["Case", "CheckedBy"]


@dataclass(frozen=True, slots=True)
class CheckedBy:
    """A check, and the agent that made it."""

    agent: str
    check: Check


@dataclass(slots=True)
class Case:
    """What is known; `item` is always there, for it begins the run."""

    correlation_id: UUID
    item: WorkItemQueued
    item_status: str = "QUEUED"
    facts: Analysis | None = None
    policy: PolicyCreated | None = None
    policy_failed: bool = False
    checks: list[CheckedBy] = field(default_factory=list)
    decisions: dict[str, DecisionMade] = field(default_factory=dict)
    """The last decision of each type."""
    open_attempts: set[UUID] = field(default_factory=set)

    @classmethod
    def of(cls, events: Iterable[RecordedEvent]) -> Case | None:
        """The case that a run's events make; None when no item was queued in it."""
        case: Case | None = None
        for recorded in events:
            event = recorded.event
            if case is None:
                if isinstance(event, WorkItemQueued):
                    case = cls(recorded.correlation_id, event)
                continue
            match event:
                case WorkItemStatusChanged():
                    case.item_status = event.to_status
                case FindingReported():
                    case.facts = Analysis.from_details(event.details)
                case PolicyCreated():
                    case.policy = event
                case PolicyTested():
                    case.policy_failed = not event.passed
                case EvidenceGiven():
                    found = Check.from_details(event.details)
                    case.checks.append(CheckedBy(recorded.agent or "", found))
                case DecisionMade():
                    case.decisions[event.decision_type] = event
                case AttemptStarted():
                    case.open_attempts.add(event.attempt_id)
                case AttemptEnded():
                    case.open_attempts.discard(event.attempt_id)
        return case

    @property
    def identity(self) -> Identity:
        """Who the distribution says it is."""
        said = self.item.content
        return Identity(said["publisher"], said["name"], said["version"], said["summary"])

    @property
    def location(self) -> Path:
        """Its `.dist-info`."""
        return Path(self.item.content["location"])

    @property
    def package_id(self) -> UUID:
        """The package that the item is about."""
        assert self.item.package_id is not None, "an item without a package ends where it begins"
        return self.item.package_id

    @property
    def known_facts(self) -> Analysis:
        """What the analyst found."""
        assert self.facts is not None, "nobody is asked before the analyst has answered"
        return self.facts

    @property
    def number(self) -> int:
        """Its place in the order, from 0."""
        return int(self.item.content["number"])

    @property
    def recheck(self) -> bool:
        """Whether the package is completed already, and its files are only looked at again."""
        return bool(self.item.content["recheck"])
