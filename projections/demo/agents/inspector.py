"""The inspector reads the files a second time, when the word of the tester is not enough."""

from __future__ import annotations

from time import perf_counter

from uuid_utils.compat import uuid7

from eventstore import RecordedEvent
from projections.demo.agents.reading import finish, read_files, start
from projections.demo.case import Case
from projections.demo.desk import Desk
from projections.demo.turn import Turn

__all__ = ["inspector"]


def inspector(desk: Desk, case: Case, asked: RecordedEvent) -> None:
    """Reads the files a second time, and says whether the tester was right."""
    attempt_id = uuid7()
    started = desk.write(asked, case, lambda turn: start(desk, case, turn, attempt_id))
    clock = perf_counter()
    found = read_files(case).check
    milliseconds = round((perf_counter() - clock) * 1000)
    first = case.checks[0]
    agree = found.fingerprint == first.check.fingerprint and found.passed == first.check.passed

    def end(turn: Turn) -> None:
        evidence = finish(turn, case, attempt_id, found, milliseconds, started)
        words = "agrees with" if agree else "contradicts"
        reason = f"a second reading {words} that of {first.agent}: {found.in_words()}"
        turn.outcome(
            case.decisions["verify"],
            "success" if agree else "failure",
            reason,
            because=evidence,
        )
        turn.measure(
            case.decisions["verify"],
            "accuracy",
            100.0 if agree else 0.0,
            {"measured": "whether a second reading gave the same hash for every file"},
            because=evidence,
        )
        decided = turn.decide(
            "verify_again",
            reason,
            {"verdict": "confirm" if agree else "contradict"},
            confidence=1.0,
            milliseconds=milliseconds,
            because=evidence,
        )
        turn.tell(desk.team.approver, f"{case.identity.title}: {reason}", because=decided.event_id)

    desk.write(asked, case, end)
