"""The policy writer turns the analyst's facts into a policy: these files may run, by their hash."""

from __future__ import annotations

from time import perf_counter

from uuid_utils.compat import uuid7

from eventstore import RecordedEvent
from eventstore.vocabulary.packaging import PolicyCreated
from projections.demo.case import Case
from projections.demo.desk import Desk
from projections.demo.policy import policy_xml, rules
from projections.demo.turn import Turn
from projections.demo.words import counted

__all__ = ["policy_writer"]


def policy_writer(desk: Desk, case: Case, asked: RecordedEvent) -> None:
    """Writes the policy from the recorded hashes, and hands over to a tester."""
    facts, policy_id = case.known_facts, uuid7()
    clock = perf_counter()
    allowed = rules(facts)
    document = policy_xml(case.identity.title, policy_id, facts)
    milliseconds = round((perf_counter() - clock) * 1000)
    left_out = len(facts.covered) - len(allowed)

    def compose(turn: Turn) -> None:
        turn.move("generating_script", "creating_policy")
        written = turn.of_package(
            PolicyCreated(
                policy_id=policy_id,
                package_id=case.package_id,
                policy_xml=document,
                policy_rules={"allow": allowed},
            )
        )
        decided = turn.decide(
            "allow",
            _rationale(len(allowed), left_out),
            {"allowed": len(allowed), "left_out": left_out},
            confidence=len(allowed) / len(facts.covered) if facts.covered else 1.0,
            milliseconds=milliseconds,
            because=written,
        )
        turn.tell(
            desk.team.tester(case.number),
            f"please test {case.identity.title}; its policy has {counted(len(allowed), 'rule')}",
            because=decided.event_id,
        )

    desk.write(asked, case, compose)


def _rationale(allowed: int, left_out: int) -> str:
    if not allowed + left_out:
        return "it has neither native code nor commands, so nothing of it may run on its own"
    said = f"{counted(allowed, 'file')} may run, by the recorded SHA-256"
    return f"{said}; {left_out:,} without one may not" if left_out else said
