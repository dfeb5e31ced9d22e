"""Orders with their items: queued, attempted, judged; and what the work needs beside them."""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

from eventstore.event import Event
from eventstore.seed import words
from eventstore.seed.crew import agent
from eventstore.seed.story import Story
from eventstore.seed.work_items import Item
from eventstore.seed.work_means import means, new_means
from eventstore.vocabulary.work import (
    DeadLetterRecorded,
    DeadLetterResolved,
    DeadLetterRetried,
    RunEnded,
    RunStarted,
    WorkOrderDetailsChanged,
    WorkOrderOpened,
    WorkOrderStatus,
    WorkOrderStatusChanged,
)

__all__ = ["prologue", "story"]

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
        self.say(opened)
        items = [Item(story, self.id, self.stream, which) for which in range(story.number_in(1, 3))]
        for item in items:
            item.queued()
        if story.chance(0.1):
            self.say(WorkOrderDetailsChanged(title=f"{title}!", priority="URGENT", **about))
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
        self.say(moved)

    def say(self, event: Event) -> None:
        self.story.say(self.stream, event, agent=agent("planner", self.story.number), after=60)


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
