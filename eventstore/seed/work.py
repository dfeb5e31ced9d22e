"""Orders with their items: queued, attempted, judged; and what the work needs beside them."""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

from eventstore.event import Event
from eventstore.seed import words
from eventstore.seed.crew import agent
from eventstore.seed.story import Story
from eventstore.seed.work_means import means, new_means
from eventstore.vocabulary.work import (
    ApprovalDecided,
    AttemptEnded,
    AttemptStarted,
    DeadLetterRecorded,
    DeadLetterResolved,
    DeadLetterRetried,
    ErrorReported,
    EvalRecorded,
    EvidenceGiven,
    MemDocRemoved,
    MemDocWritten,
    RunEnded,
    RunStarted,
    WorkItemAssigned,
    WorkItemQueued,
    WorkItemStatus,
    WorkItemStatusChanged,
    WorkOrderDetailsChanged,
    WorkOrderOpened,
    WorkOrderStatus,
    WorkOrderStatusChanged,
)

__all__ = ["prologue", "story"]

_TYPES: Final = ("INVOICE", "TICKET", "TICKET", "STATUS_REPORT")
_PRIORITIES: Final = ("LOW", "MEDIUM", "MEDIUM", "MEDIUM", "HIGH", "URGENT")


def prologue(story: Story) -> None:
    """The means that work is done with."""
    means(story)


def story(story: Story) -> None:
    """One work order, until all of its items are finished."""
    new_means(story)
    _Order(story).told()
    if story.number % 20 == 3:
        _dead_letter(story)


class _Order:
    """A work order and its items, while their story is told."""

    def __init__(self, story: Story) -> None:
        self.story = story
        self.id = story.world.id(f"work order {story.number}")
        self.stream = f"work_order-{self.id}"
        self.status: WorkOrderStatus = "PENDING"

    def told(self) -> None:
        story = self.story
        title = f"{words.sentence(story, 'work')[:-1]}: please see to it"
        about: dict[str, Any] = {
            "work_order_id": self.id,
            "metadata": {"channel": story.one_of(("mail", "portal", "phone"))},
        }
        opened = WorkOrderOpened(title=title, priority=story.one_of(_PRIORITIES), **about)
        self.say("planner", opened)
        items = [_Item(self, which) for which in range(story.number_in(1, 3))]
        for item in items:
            item.queued()
        if story.chance(0.1):
            self.say(
                "planner", WorkOrderDetailsChanged(title=f"{title}!", priority="URGENT", **about)
            )
        self.move("PROCESSING")
        run = self.run_begins()
        finished = [item.worked_at() for item in items]
        done = all(finished)
        if run is not None:
            ended = RunEnded(run_id=run, status="COMPLETED" if done else "FAILED")
            self.story.say(f"run-{run}", ended, agent=agent("planner", story.number))
        self.move("COMPLETED" if done else "FAILED")

    def run_begins(self) -> UUID | None:
        """Every second order is worked through by a template."""
        if self.story.number % 2:
            return None
        run = self.story.id("run")
        template = self.story.world.id("workflow template 1")
        started = RunStarted(run_id=run, workflow_template_id=template, work_order_id=self.id)
        self.story.say(f"run-{run}", started, agent=agent("planner", self.story.number))
        return run

    def move(self, to: WorkOrderStatus) -> None:
        moved = WorkOrderStatusChanged(work_order_id=self.id, from_status=self.status, to_status=to)
        self.status = to
        self.say("planner", moved)

    def say(self, who: str, event: Event, *, to: str | None = None, after: float = 60) -> None:
        name = agent(who, self.story.number)
        self.story.say(self.stream, event, agent=name, to=to, after=after)


class _Item:
    """A work item, in the stream of its order."""

    def __init__(self, order: _Order, which: int) -> None:
        self.order, self.story, self.which = order, order.story, which
        self.id = order.story.id(f"item {which}")
        self.status: WorkItemStatus = "QUEUED"
        self.type = order.story.one_of(_TYPES)

    def queued(self) -> None:
        packages = self.story.number // 2
        about = self.story.number_in(1, packages) if packages and self.story.chance(0.3) else None
        event = WorkItemQueued(
            work_item_id=self.id,
            work_order_id=self.order.id,
            type=self.type,
            content=self.content(),
            package_id=None if about is None else self.story.world.id(f"package {about}"),
        )
        self.order.say("planner", event, to=agent("clerk", self.story.number))

    def worked_at(self) -> bool:
        """Whether it was completed, after one attempt or several."""
        clerk = agent("clerk", self.story.number + self.which)
        self.order.say("planner", WorkItemAssigned(work_item_id=self.id, agent_id=clerk), to=clerk)
        self.remembered("CONTEXT", words.paragraph(self.story, "work", 2))
        self.move("PROCESSING")
        for attempt_no in (1, 2, 3):
            if self.attempted(attempt_no, clerk):
                return self.judged()
            if attempt_no == 2 and self.story.chance(0.5):
                break
        self.move("FAILED", words.sentence(self.story, "work"))
        return False

    def attempted(self, attempt_no: int, clerk: str) -> bool:
        attempt = self.story.id(f"attempt {self.which} {attempt_no}")
        about = {"attempt_id": attempt, "work_item_id": self.id}
        start = {"attempt": attempt_no, "tools": ["mail", "ledger"]}
        self.order.say("clerk", AttemptStarted(**about, agent_id=clerk, input=start))
        seconds = self.story.number_in(20, 900)
        if self.story.chance(0.8):
            output = {"text": words.sentence(self.story, "work"), "checked": True}
            ended = AttemptEnded(
                attempt_id=attempt, status="COMPLETED", output=output, duration_ms=seconds * 1000
            )
            self.order.say("clerk", ended, after=seconds)
            evidence = EvidenceGiven(
                **about,
                evidence_id=self.story.id(f"evidence {self.which}"),
                kind="verification",
                summary=words.sentence(self.story, "work"),
            )
            self.order.say("clerk", evidence)
            return True
        error = words.sentence(self.story, "work")
        self.order.say("clerk", ErrorReported(**about, error=error, cause="exit_nonzero"))
        status = "TIMEOUT" if self.story.chance(0.3) else "FAILED"
        ended = AttemptEnded(attempt_id=attempt, status=status, error=error)
        self.order.say("clerk", ended, after=seconds)
        return False

    def judged(self) -> bool:
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
        self.order.say("tester", evaluated, after=120)
        decision = "APPROVED" if score >= 0.5 else "REJECTED"
        if self.story.chance(0.1):
            self.approval(1, "ESCALATED")
        self.approval(2, decision)
        if decision == "REJECTED":
            self.move("FAILED", "It was not good enough.")
            return False
        self.move("COMPLETED")
        if self.story.chance(0.2):
            self.remembered("KNOWLEDGE", words.paragraph(self.story, "work", 3))
        return True

    def approval(self, which: int, decision: str) -> None:
        approver = agent("approver", self.story.number + which)
        event = ApprovalDecided(
            approval_id=self.story.id(f"approval {self.which} {which}"),
            work_item_id=self.id,
            approver=approver,
            decision=decision,  # type: ignore[arg-type]
            reason=words.sentence(self.story, "work") if self.story.chance(0.5) else None,
            policy_version="2026-01",
        )
        self.story.say(self.order.stream, event, agent=approver, after=1_800)

    def remembered(self, kind: str, content: str) -> None:
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

    def content(self) -> dict[str, Any]:
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

    def move(self, to: WorkItemStatus, reason: str | None = None) -> None:
        moved = WorkItemStatusChanged(
            work_item_id=self.id,
            work_order_id=self.order.id,
            from_status=self.status,
            to_status=to,
            reason=reason,
        )
        self.status = to
        self.order.say("clerk", moved)


def _dead_letter(story: Story) -> None:
    """A message that nobody could deal with at once."""
    letter = story.id("dead letter")
    stream, who = f"dead_letter-{letter}", agent("clerk", story.number)
    recorded = DeadLetterRecorded(
        dead_letter_id=letter,
        source="mail",
        about_event_id=story.appends[-1].events[0].event_id,
        payload={"subject": words.sentence(story, "work"), "size": story.number_in(1, 90_000)},
        error="The attachment is not readable.",
    )
    story.say(stream, recorded, agent=who)
    for _ in range(story.number_in(0, 3)):
        error = "The attachment is still not readable." if story.chance(0.5) else None
        story.say(
            stream, DeadLetterRetried(dead_letter_id=letter, error=error), agent=who, after=600
        )
    if story.chance(0.7):
        resolved = DeadLetterResolved(dead_letter_id=letter, resolution="The sender sent it anew.")
        story.say(stream, resolved, agent=who, after=9_000)
