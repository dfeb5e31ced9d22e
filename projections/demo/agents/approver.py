"""The approver decides: by the risk, by what was found, and by who asks."""

from __future__ import annotations

from uuid import UUID

from uuid_utils.compat import uuid7

from eventstore import RecordedEvent
from eventstore.vocabulary.trust import Feedback
from eventstore.vocabulary.work import ApprovalDecided
from projections.demo.case import Case
from projections.demo.desk import Desk
from projections.demo.risk import POLICY_VERSION, Ruling, assess, rule
from projections.demo.standing import Standings
from projections.demo.turn import Turn

__all__ = ["Approver"]


class Approver:
    """Rules on one request at a time, so that each finds the standing that the last one left."""

    def __init__(self) -> None:
        self._standings: Standings | None = None

    def __call__(self, desk: Desk, case: Case, asked: RecordedEvent) -> None:
        """Approves, rejects, or asks the inspector to read the files a second time."""
        if self._standings is None:
            self._standings = Standings(desk.store)
        asker = asked.agent or ""
        level = self._standings.level(asker)
        first, second = [found.check for found in case.checks[:2]] + [None] * (2 - len(case.checks))
        ruling = rule(case.known_facts, first, level, second)

        def compose(turn: Turn) -> None:
            decided = turn.decide(
                "approval",
                ruling.reason,
                {"decision": ruling.decision},
                confidence=None,
                given={
                    "asked_by": asker,
                    "trust_level": level,
                    "risk": assess(case.known_facts).points,
                    "policy_version": POLICY_VERSION,
                },
            )
            approval = turn.of_item(
                case,
                ApprovalDecided(
                    approval_id=uuid7(),
                    work_item_id=case.item.work_item_id,
                    approver=desk.agent.agent_id,
                    decision=ruling.decision,
                    reason=ruling.reason,
                    policy_version=POLICY_VERSION,
                ),
                because=decided.event_id,
            )
            if second is None and "verify" in case.decisions:
                turn.measure(
                    case.decisions["verify"],
                    "autonomy",
                    0.0 if ruling.decision == "ESCALATED" else 100.0,
                    {"measured": "whether its word was enough, without a second reading"},
                    because=approval,
                )
            if ruling.decision == "ESCALATED":
                turn.tell(
                    desk.team.inspector, f"{case.identity.title}: {ruling.reason}", because=approval
                )
            else:
                _close(desk, turn, case, ruling, approval)

        desk.write(asked, case, compose)


def _close(desk: Desk, turn: Turn, case: Case, ruling: Ruling, approval: UUID) -> None:
    """Ends the package and its item, and says what the approver thinks of the others' decisions."""
    approved = ruling.decision == "APPROVED"
    if not case.recheck:
        before = "analyzing" if case.known_facts.refusal is not None else "waiting_approval"
        after = "completed" if approved else "failed"
        turn.move(before, after, ruling.reason, because=approval)  # type: ignore[arg-type]
    turn.move_item(case, "COMPLETED" if approved else "FAILED", ruling.reason, because=approval)
    for kind, feedback in opinions(case, ruling).items():
        if kind in case.decisions:
            reason = ruling.reason if feedback == "rejected" else None
            turn.feedback(case.decisions[kind], feedback, reason, because=approval)
    turn.tell(
        desk.team.planner,
        f"{case.identity.title} is {ruling.decision}: {ruling.reason}",
        because=approval,
    )


def opinions(case: Case, ruling: Ruling) -> dict[str, Feedback]:
    """What to say of each type of decision; nothing of those that a rejection leaves open."""
    if ruling.decision == "APPROVED":
        return dict.fromkeys(("examine", "pin", "allow", "verify", "verify_again"), "approved")
    if case.known_facts.refusal is not None:
        return {"examine": "approved"}  # it said so first
    found: dict[str, Feedback] = {"examine": "rejected", "verify": "approved"}
    if case.policy_failed:
        found["allow"] = "rejected"
    if len(case.checks) > 1:
        found |= {"verify": "rejected", "verify_again": "approved"}
    return found
