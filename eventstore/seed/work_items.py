"""Work items: queued, attempted, judged, finished."""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

from eventstore.event import Event
from eventstore.seed import words
from eventstore.seed.crew import agent
from eventstore.seed.story import Story
from eventstore.vocabulary.work import (
    Approval,
    ApprovalDecided,
    AttemptEnded,
    AttemptStarted,
    ErrorReported,
    EvalRecorded,
    EvidenceGiven,
    MemDocRemoved,
    MemDocWritten,
    WorkItemAssigned,
    WorkItemQueued,
    WorkItemStatus,
    WorkItemStatusChanged,
)

__all__ = ["Item"]

_TYPES: Final = ("INVOICE", "TICKET", "TICKET", "STATUS_REPORT")


class Item:
    """A work item, in the stream of its order."""

    def __init__(self, story: Story, work_order_id: UUID, stream_id: str, which: int) -> None:
        self.story, self.which = story, which
        self.order, self.stream = work_order_id, stream_id
        self.id = story.id(f"item {which}")
        self.status: WorkItemStatus = "QUEUED"
        self.type = story.one_of(_TYPES)

    def queued(self) -> None:
        """Tells that there is the item."""
        packages = self.story.number // 2
        about = self.story.number_in(1, packages) if packages and self.story.chance(0.3) else None
        event = WorkItemQueued(
            work_item_id=self.id,
            work_order_id=self.order,
            type=self.type,
            content=self._content(),
            package_id=None if about is None else self.story.world.id(f"package {about}"),
        )
        self._say("planner", event, to=agent("clerk", self.story.number))

    def worked_at(self) -> bool:
        """Tells what becomes of it, in one attempt or several; whether it was completed."""
        clerk = agent("clerk", self.story.number + self.which)
        self._say("planner", WorkItemAssigned(work_item_id=self.id, agent_id=clerk), to=clerk)
        self._remembered("CONTEXT", words.paragraph(self.story, "work", 2))
        self._move("PROCESSING")
        for attempt_no in (1, 2, 3):
            if self._attempted(attempt_no, clerk):
                return self._judged()
            if attempt_no == 2 and self.story.chance(0.5):
                break
        self._move("FAILED", words.sentence(self.story, "work"))
        return False

    def _attempted(self, attempt_no: int, clerk: str) -> bool:
        attempt = self.story.id(f"attempt {self.which} {attempt_no}")
        about: dict[str, Any] = {"attempt_id": attempt, "work_item_id": self.id}
        start = {"attempt": attempt_no, "tools": ["mail", "ledger"]}
        self._say("clerk", AttemptStarted(**about, agent_id=clerk, input=start))
        seconds = self.story.number_in(20, 900)
        if self.story.chance(0.8):
            output = {"text": words.sentence(self.story, "work"), "checked": True}
            ended = AttemptEnded(
                attempt_id=attempt, status="COMPLETED", output=output, duration_ms=seconds * 1000
            )
            self._say("clerk", ended, after=seconds)
            evidence = EvidenceGiven(
                **about,
                evidence_id=self.story.id(f"evidence {self.which}"),
                kind="verification",
                summary=words.sentence(self.story, "work"),
            )
            self._say("clerk", evidence)
            return True
        error = words.sentence(self.story, "work")
        self._say("clerk", ErrorReported(**about, error=error, cause="exit_nonzero"))
        late = self.story.chance(0.3)
        ended = AttemptEnded(
            attempt_id=attempt, status="TIMEOUT" if late else "FAILED", error=error
        )
        self._say("clerk", ended, after=seconds)
        return False

    def _judged(self) -> bool:
        """What evaluators and approvers say of a result; whether it counts."""
        score = self.story.share_in(0.4, 1.0)
        evaluated = EvalRecorded(
            eval_id=self.story.id(f"eval {self.which}"),
            work_item_id=self.id,
            evaluator=agent("tester", self.story.number),
            score=score,
            passed=score >= 0.5,
            details={"criteria": ["complete", "polite", "right"]},
        )
        self._say("tester", evaluated, after=120)
        decision: Approval = "APPROVED" if score >= 0.5 else "REJECTED"
        if self.story.chance(0.1):
            self._approval(1, "ESCALATED")
        self._approval(2, decision)
        if decision == "REJECTED":
            self._move("FAILED", "It was not good enough.")
            return False
        self._move("COMPLETED")
        if self.story.chance(0.2):
            self._remembered("KNOWLEDGE", words.paragraph(self.story, "work", 3))
        return True

    def _approval(self, which: int, decision: Approval) -> None:
        approver = agent("approver", self.story.number + which)
        event = ApprovalDecided(
            approval_id=self.story.id(f"approval {self.which} {which}"),
            work_item_id=self.id,
            approver=approver,
            decision=decision,
            reason=words.sentence(self.story, "work") if self.story.chance(0.5) else None,
            policy_version="2026-01",
        )
        self.story.say(self.stream, event, agent=approver, after=1_800)

    def _remembered(self, kind: str, content: str) -> None:
        document = self.story.id(f"memory {self.which} {kind}")
        about: dict[str, Any] = {
            "mem_doc_id": document,
            "type": kind,
            "work_item_id": self.id,
            "metadata": {"source": "work"},
        }
        self.story.say(
            f"mem_doc-{document}",
            MemDocWritten(**about, content=content),
            agent=agent("clerk", self.story.number),
        )
        if kind == "CONTEXT" and self.story.chance(0.15):
            self.story.say(
                f"mem_doc-{document}",
                MemDocWritten(**about, content=f"{content} {words.sentence(self.story, 'work')}"),
                agent=agent("clerk", self.story.number),
            )
        if kind == "CONTEXT" and self.story.chance(0.1):
            self.story.say(
                f"mem_doc-{document}",
                MemDocRemoved(mem_doc_id=document, reason="The item says it better."),
                agent=agent("clerk", self.story.number),
            )

    def _content(self) -> dict[str, Any]:
        story = self.story
        if self.type == "INVOICE":
            return {
                "invoice_no": f"R-{story.number:06}-{self.which}",
                "customer": words.person(story),
                "total": story.number_in(1_000, 9_000_000) / 100,
                "currency": story.one_of(("EUR", "USD", "CHF")),
                "text": words.sentence(story, "work"),
            }
        if self.type == "TICKET":
            return {
                "subject": words.sentence(story, "work"),
                "text": words.paragraph(story, "work", 3),
                "reported_by": words.person(story),
                "severity": story.number_in(1, 4),
            }
        return {
            "period": f"2026-W{story.number % 52 + 1:02}",
            "lines": [words.sentence(story, "team") for _ in range(3)],
        }

    def _move(self, to: WorkItemStatus, reason: str | None = None) -> None:
        moved = WorkItemStatusChanged(
            work_item_id=self.id,
            work_order_id=self.order,
            from_status=self.status,
            to_status=to,
            reason=reason,
        )
        self.status = to
        self._say("clerk", moved)

    def _say(self, who: str, event: Event, *, to: str | None = None, after: float = 60) -> None:
        name = agent(who, self.story.number)
        self.story.say(self.stream, event, agent=name, to=to, after=after)
