"""What is said when an agent can't go on with a package: nothing is left half-way."""

from __future__ import annotations

from eventstore import RecordedEvent
from eventstore.vocabulary.work import AttemptEnded, ErrorReported
from projections.demo.case import Case
from projections.demo.desk import Desk
from projections.demo.package import PackageTaken
from projections.demo.turn import Turn

__all__ = ["give_up"]


def give_up(desk: Desk, case: Case, asked: RecordedEvent | None, error: BaseException) -> None:
    """Ends open attempts, the item and the package as failed, with the reason.

    A package that somebody else has taken is left to them, and a completed one stays so.
    """
    reason = str(error) or type(error).__name__

    if case.item_status in ("COMPLETED", "FAILED"):
        return

    def compose(turn: Turn) -> None:
        reported = turn.of_item(
            case,
            ErrorReported(
                work_item_id=case.item.work_item_id, error=reason, cause="could_not_go_on"
            ),
        )
        for attempt_id in sorted(case.open_attempts):
            ended = AttemptEnded(attempt_id=attempt_id, status="FAILED", error=reason)
            turn.of_item(case, ended, because=reported)
        status = turn.status
        ours = not isinstance(error, PackageTaken) and not case.recheck
        if ours and status not in (None, "completed", "failed"):
            turn.move(status, "failed", reason, because=reported)
        turn.move_item(case, "FAILED", reason, because=reported)
        content = f"{case.identity.title} could not be finished: {reason}"
        turn.tell(desk.team.planner, content, because=reported)

    desk.write(asked, case, compose)
