"""The chapters of an agent trail: attempts at work items, and what was said in them."""

from __future__ import annotations

from datetime import datetime
from typing import Final, Literal
from uuid import UUID

from eventstore.errors import InvalidEvent
from eventstore.ingest.agent_trail_file import Chapter, Trail
from eventstore.ingest.agent_trail_items import ABOUT_WORK, Scene, addressee, event_of
from eventstore.ingest.reader import BrokenFile
from eventstore.ingest.story import Story
from eventstore.vocabulary.work import (
    AttemptEnded,
    AttemptStarted,
    WorkItemQueued,
    WorkItemStatusChanged,
    register_work_item_type,
)

__all__ = ["CHAPTER", "LOOKING_BACK", "Run"]

CHAPTER: Final = register_work_item_type("CHAPTER")
"""The type of the work items."""
LOOKING_BACK: Final = "Retrospective"
"""Title of the chapter that tells of the whole run; an error in it is not its own."""

Verdict = tuple[Literal["COMPLETED", "FAILED"], str | None]
"""How an attempt ended, and why if it failed."""


class Run:
    """A trail that is being told, and the names of what it is about."""

    def __init__(self, trail: Trail, story: Story, lead: str) -> None:
        self.trail, self.story, self.lead = trail, story, lead
        self.order = story.id("order")
        """The work order's id."""
        self.stream = f"work_order-{self.order}"
        titles = [chapter.title for chapter in trail.chapters]
        self._last_of = {title: index for index, title in enumerate(titles)}
        self._last_work = max(
            (index for title, index in self._last_of.items() if title != LOOKING_BACK), default=-1
        )

    def session(self, agent: str) -> UUID:
        """The id of an agent's session in this run."""
        return self.story.id(f"session/{agent}")

    @property
    def end(self) -> datetime:
        """When the run ended, or the latest time that the trail names."""
        if self.trail.completedAt is not None:
            return self.trail.completedAt
        moments = [self.trail.startedAt]
        for chapter in self.trail.chapters:
            moments += [chapter.startedAt, chapter.endedAt or chapter.startedAt]
            moments += [item.ts for item in chapter.events]
        return max(moments)

    def tell_chapters(self, started: UUID) -> None:
        """Tells every chapter; `started` is the event that started the run."""
        last_of: dict[str, UUID] = {}
        for index, chapter in enumerate(self.trail.chapters):
            item = self.story.id(f"item/{chapter.title}")
            cause = last_of.get(chapter.title)
            if cause is None:
                cause = self._queue(index, chapter, item, started)
            cause = self._start(index, chapter, item, cause)
            cause = self._items(index, chapter, item, cause)
            last_of[chapter.title] = self._finish(index, chapter, item, cause)

    def _queue(self, index: int, chapter: Chapter, item: UUID, cause: UUID) -> UUID:
        """The first chapter of a title makes the work item."""
        queued = WorkItemQueued(
            work_item_id=item,
            work_order_id=self.order,
            type=CHAPTER,
            content={"title": chapter.title},
            assigned_agent=chapter.agentName,
        )
        processing = WorkItemStatusChanged(
            work_item_id=item,
            work_order_id=self.order,
            from_status="QUEUED",
            to_status="PROCESSING",
        )
        for name, event in (("queued", queued), ("processing", processing)):
            cause = self.story.tell(
                f"chapters/{index}/{name}",
                f"work_item-{item}",
                event,
                chapter.startedAt,
                cause=cause,
                agent=self.lead,
                target_agent=chapter.agentName,
                derived=["agent"],
            )
        return cause

    def _start(self, index: int, chapter: Chapter, item: UUID, cause: UUID) -> UUID:
        return self.story.tell(
            f"chapters/{index}/started",
            f"work_item-{item}",
            AttemptStarted(
                attempt_id=self._attempt(index),
                work_item_id=item,
                agent_id=chapter.agentName,
                input={"chapter": chapter.id, "title": chapter.title},
            ),
            chapter.startedAt,
            cause=cause,
            agent=self.lead,
            target_agent=chapter.agentName,
            derived=["agent"],
            other=chapter.rest,
        )

    def _items(self, index: int, chapter: Chapter, item_id: UUID, cause: UUID) -> UUID:
        for number, item in enumerate(chapter.events):
            place = f"chapters/{index}/events/{number}"
            target = addressee(item)
            # What is addressed to an agent is the lead's: it says what the step is.
            speaker = chapter.agentName if target is None else self.lead
            scene = Scene(
                self.story.id(place), speaker, self.session(speaker), item_id, self._attempt(index)
            )
            try:
                event, other = event_of(item, scene)
            except InvalidEvent as error:
                way = f"{place.replace('/', '.')}.{error.path}".rstrip(".")
                raise BrokenFile(error.reason, path=way) from error
            about_work = item.type in ABOUT_WORK
            cause = self.story.tell(
                place,
                f"work_item-{item_id}" if about_work else f"session-{scene.session}",
                event,
                item.ts,
                cause=cause,
                agent=speaker,
                target_agent=target,
                derived=["agent"] if target is not None else [],
                other={"type": item.type, **other},
            )
        return cause

    def _finish(self, index: int, chapter: Chapter, item: UUID, cause: UUID) -> UUID:
        """Ends the attempt, and the work item with the last attempt at it."""
        if chapter.endedAt is None:
            return cause
        status, error = self._verdict(index)
        spent = round((chapter.endedAt - chapter.startedAt).total_seconds() * 1000)
        ended = AttemptEnded(
            attempt_id=self._attempt(index),
            status=status,
            error=error,
            duration_ms=spent if spent >= 0 else None,
        )
        cause = self.story.tell(
            f"chapters/{index}/ended",
            f"work_item-{item}",
            ended,
            chapter.endedAt,
            cause=cause,
            agent=chapter.agentName,
            derived=["status"],
        )
        if self._is_tried_again(index):
            return cause
        finished = WorkItemStatusChanged(
            work_item_id=item,
            work_order_id=self.order,
            from_status="PROCESSING",
            to_status=status,
            reason=error,
        )
        return self.story.tell(
            f"chapters/{index}/finished",
            f"work_item-{item}",
            finished,
            chapter.endedAt,
            cause=cause,
            agent=chapter.agentName,
            derived=["status"],
        )

    def _verdict(self, index: int) -> Verdict:
        """The file says only that an attempt ended; this is concluded.

        The last evidence or error in it decides. Without either it failed if the same was tried
        again, or if it was at work when the run was abandoned.
        """
        chapter = self.trail.chapters[index]
        if chapter.title == LOOKING_BACK:
            return "COMPLETED", None
        for item in reversed(chapter.events):
            if item.type in ABOUT_WORK:
                return ("FAILED", item.content) if item.type == "error" else ("COMPLETED", None)
        if self._is_tried_again(index):
            return "FAILED", "it was tried again"
        if self.trail.status == "abandoned" and index == self._last_work:
            return "FAILED", "the run was abandoned"
        return "COMPLETED", None

    def _is_tried_again(self, index: int) -> bool:
        return index < self._last_of[self.trail.chapters[index].title]

    def _attempt(self, index: int) -> UUID:
        return self.story.id(f"chapters/{index}")
