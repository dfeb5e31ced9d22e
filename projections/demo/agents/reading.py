"""What tester and inspector have in common: an attempt that reads every file, and its evidence."""

from __future__ import annotations

import hashlib
from uuid import UUID

from uuid_utils.compat import uuid7

from eventstore.vocabulary.work import AttemptEnded, AttemptStarted, EvidenceGiven
from projections.demo.analysis import read_record
from projections.demo.case import Case
from projections.demo.desk import Desk
from projections.demo.distributions import Unreadable
from projections.demo.files import Check, Recount, check
from projections.demo.record import RecordFlaw
from projections.demo.turn import Turn

__all__ = ["finish", "read_files", "start"]


def read_files(case: Case) -> Recount:
    """Reads RECORD anew, and all that it names; raises Unreadable when it is another RECORD now."""
    try:
        raw, entries = read_record(case.location)
    except RecordFlaw as flaw:
        raise Unreadable(str(flaw)) from flaw
    if case.known_facts.record_sha256 != hashlib.sha256(raw).hexdigest():
        raise Unreadable("its RECORD changed while it was examined")
    return check(case.location.parent, entries)


def start(desk: Desk, case: Case, turn: Turn, attempt_id: UUID) -> UUID:
    """Begins the attempt; returns the event."""
    return turn.of_item(
        case,
        AttemptStarted(
            attempt_id=attempt_id,
            work_item_id=case.item.work_item_id,
            agent_id=desk.agent.agent_id,
            input={"files": case.known_facts.files},
        ),
    )


def finish(
    turn: Turn, case: Case, attempt_id: UUID, found: Check, milliseconds: int, started: UUID
) -> UUID:
    """Ends the attempt with the evidence; returns the evidence's event."""
    evidence = turn.of_item(
        case,
        EvidenceGiven(
            evidence_id=uuid7(),
            work_item_id=case.item.work_item_id,
            attempt_id=attempt_id,
            kind="verification",
            summary=found.in_words(),
            details=found.details(),
        ),
    )
    turn.of_item(
        case,
        AttemptEnded(
            attempt_id=attempt_id,
            status="COMPLETED" if found.passed else "FAILED",
            output={"proved": found.proved, "problems": found.problem_count},
            error=None if found.passed else found.complaint(),
            duration_ms=milliseconds,
        ),
        because=started,
    )
    return evidence
