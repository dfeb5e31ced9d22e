"""The tester reads every file of a distribution and compares it with what RECORD says."""

from __future__ import annotations

from time import perf_counter
from uuid import UUID

from uuid_utils.compat import uuid7

from eventstore import RecordedEvent
from eventstore.vocabulary.packaging import PolicyCreated, PolicyTested
from eventstore.vocabulary.trust import Outcome
from projections.demo.agents.reading import finish, read_files, start
from projections.demo.case import Case
from projections.demo.desk import Desk
from projections.demo.files import Check, Recount
from projections.demo.turn import Turn
from projections.demo.words import counted

__all__ = ["tester"]


def tester(desk: Desk, case: Case, asked: RecordedEvent) -> None:
    """Tests files and policy, says how the decisions so far turned out, and asks for approval."""
    attempt_id = uuid7()

    def begin(turn: Turn) -> UUID:
        if not case.recheck:
            turn.move("creating_policy", "testing")
        return start(desk, case, turn, attempt_id)

    started = desk.write(asked, case, begin)
    clock = perf_counter()
    recount = read_files(case)
    milliseconds = round((perf_counter() - clock) * 1000)
    found = recount.check

    def end(turn: Turn) -> None:
        evidence = finish(turn, case, attempt_id, found, milliseconds, started)
        _judge_analyst(turn, case, found, evidence)
        if case.policy is not None:
            _test_policy(turn, case, case.policy, recount, evidence)
        decided = turn.decide(
            "verify",
            found.in_words(),
            {"verdict": "pass" if found.passed else "fail"},
            confidence=found.proved / max(found.proved + found.seen, 1) if found.passed else 1.0,
            given={"files": found.files},
            milliseconds=milliseconds,
            because=evidence,
        )
        if not case.recheck:
            turn.move("testing", "waiting_approval", because=evidence)
        turn.tell(
            desk.team.approver,
            f"{case.identity.title}: {found.in_words()}",
            because=decided.event_id,
        )

    desk.write(asked, case, end)


def _judge_analyst(turn: Turn, case: Case, found: Check, evidence: UUID) -> None:
    """The analyst said that this could be packaged: the files show whether that was right."""
    decision = case.decisions["examine"]
    turn.outcome(decision, _outcome(case, found), found.in_words(), because=evidence)
    read = found.proved + found.seen + found.problem_count
    turn.measure(
        decision,
        "accuracy",
        100.0 * (read - found.problem_count) / max(read, 1),
        {"measured": "files that are as the finding said, in percent", "files": read},
        because=evidence,
    )


def _test_policy(
    turn: Turn, case: Case, policy: PolicyCreated, recount: Recount, evidence: UUID
) -> None:
    """Tries the policy: each file that it allows must have the hash that it names."""
    allowed: dict[str, str] = policy.policy_rules["allow"]
    blocked = [path for path, sha256 in allowed.items() if recount.sha256.get(path) != sha256]
    tested = turn.of_package(
        PolicyTested(
            policy_id=policy.policy_id,
            package_id=case.package_id,
            passed=not blocked,
            test_results={"allowed": len(allowed) - len(blocked), "blocked": blocked[:20]},
        ),
        because=evidence,
    )
    if not allowed:  # then nothing shows whether the policy is good
        return
    decision = case.decisions["allow"]
    words = (
        f"it blocks {counted(len(blocked), 'file')} of the package's own, such as {blocked[0]}"
        if blocked
        else f"{counted(len(allowed), 'file')} as its rules say"
    )
    outcome = _outcome(case, recount.check) if blocked else "success"
    turn.outcome(decision, outcome, words, because=tested)
    turn.measure(
        decision,
        "accuracy",
        100.0 * (len(allowed) - len(blocked)) / len(allowed),
        {"measured": "rules that let their file run, in percent", "rules": len(allowed)},
        because=tested,
    )


def _outcome(case: Case, found: Check) -> Outcome:
    """A failure is critical when native code is not what it should be."""
    if found.passed:
        return "success"
    native = {file.path for file in case.known_facts.native}
    return (
        "critical_failure"
        if any(problem.path in native for problem in found.problems)
        else "failure"
    )
