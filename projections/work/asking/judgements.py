"""What people ask about attempts, and what was held of items."""

from __future__ import annotations

from uuid import UUID

from eventstore.connection.queries import load
from eventstore.vocabulary.work import AttemptStatus
from projections.questions import Questions
from projections.work.answers import ApprovalShown, AttemptShown, EvaluationShown, PendingApproval

__all__ = ["Judgements"]


class Judgements(Questions, sql=load("projections.work", "queries.sql")):
    """Attempts, and what people and evaluators hold of items."""

    def attempts(
        self, work_item_id: UUID, *, before: int | None = None, limit: int = 50
    ) -> list[AttemptShown]:
        """The attempts at an item, the newest first, those before a number."""
        return self._many(
            AttemptShown, "attempts", work_item_id=work_item_id, before=before, limit=limit
        )

    def attempts_of_agent(
        self,
        agent_id: str,
        status: AttemptStatus = "STARTED",
        *,
        before: AttemptShown | None = None,
        limit: int = 50,
    ) -> list[AttemptShown]:
        """The attempts of an agent in a status, the newest first."""
        return self._many(
            AttemptShown,
            "attempts_of_agent",
            agent_id=agent_id,
            status=status,
            before_started=before and before.started_at,
            before_id=before and before.id,
            limit=limit,
        )

    def pending_approvals(
        self, *, before: PendingApproval | None = None, limit: int = 50
    ) -> list[PendingApproval]:
        """The items that were escalated, and not decided about since, the newest first.

        Packages that wait for approval are PackagingQueries.waiting_approval.
        """
        return self._many(
            PendingApproval,
            "pending_approvals",
            before_since=before and before.since,
            before_id=before and before.approval_id,
            limit=limit,
        )

    def approvals_by(
        self, approver: str, *, before: ApprovalShown | None = None, limit: int = 50
    ) -> list[ApprovalShown]:
        """What an approver decided, the newest first."""
        return self._many(
            ApprovalShown,
            "approvals_by",
            approver=approver,
            before_decided=before and before.decided_at,
            before_id=before and before.id,
            limit=limit,
        )

    def evaluations(
        self, work_item_id: UUID, *, before: int | None = None, limit: int = 50
    ) -> list[EvaluationShown]:
        """What evaluators found of an item, the newest first, those before a position."""
        return self._many(
            EvaluationShown, "evaluations", work_item_id=work_item_id, before=before, limit=limit
        )

    def evaluations_by(
        self, evaluator: str, *, before: EvaluationShown | None = None, limit: int = 50
    ) -> list[EvaluationShown]:
        """What an evaluator found, of any item, the newest first."""
        return self._many(
            EvaluationShown,
            "evaluations_by",
            evaluator=evaluator,
            before_created=before and before.created_at,
            before_id=before and before.id,
            limit=limit,
        )
