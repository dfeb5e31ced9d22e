"""Messages that could not be dealt with."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal, Self
from uuid import UUID

from pydantic import Field

from eventstore.command import Command, State
from eventstore.commands.event_of import event_of
from eventstore.event import Event
from eventstore.refusals import AlreadyExists, DoesNotExist, NotAllowed
from eventstore.vocabulary.fields import Json, Name
from eventstore.vocabulary.work import DeadLetterRecorded, DeadLetterResolved, DeadLetterRetried

__all__ = ["DeadLetter", "RecordDeadLetter", "ResolveDeadLetter", "RetryDeadLetter"]


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """Whether the message still waits."""

    state: Literal["absent", "open", "resolved"] = "absent"

    def after(self, event: Event) -> Self:
        match event:
            case DeadLetterRecorded() if self.state == "absent":
                return replace(self, state="open")
            case DeadLetterResolved() if self.state == "open":
                return replace(self, state="resolved")
        return self

    def require_open(self, letter_id: UUID) -> None:
        """Raises DoesNotExist, or NotAllowed when it was resolved."""
        if self.state == "absent":
            raise DoesNotExist("dead letter", letter_id)
        if self.state == "resolved":
            raise NotAllowed(f"dead letter {letter_id} is resolved; nothing more is done about it")


class _OfLetter(Command):
    dead_letter_id: UUID

    def reads(self) -> dict[str, State]:
        return {f"dead_letter-{self.dead_letter_id}": DeadLetter()}


class RecordDeadLetter(_OfLetter):
    """Puts a message aside that could not be dealt with."""

    source: Name
    """Who could not deal with it, such as the name of a connector or a hook."""
    about_event_id: UUID | None = None
    """The event that it came from; null when it came from elsewhere."""
    payload: Json = Field(default_factory=dict)
    error: str

    def decide(self, letter: DeadLetter) -> Event:
        """Refused as AlreadyExists."""
        if letter.state != "absent":
            raise AlreadyExists("dead letter", self.dead_letter_id)
        return event_of(DeadLetterRecorded, self)


class RetryDeadLetter(_OfLetter):
    """States that a message was tried again without success."""

    error: str | None = None
    """What went wrong this time; null when it was the same."""

    def decide(self, letter: DeadLetter) -> Event:
        """Refused as DoesNotExist, NotAllowed (it is resolved)."""
        letter.require_open(self.dead_letter_id)
        return event_of(DeadLetterRetried, self)


class ResolveDeadLetter(_OfLetter):
    """States that a message was dealt with at last, or is given up."""

    resolution: str | None = None

    def decide(self, letter: DeadLetter) -> Event:
        """Refused as DoesNotExist, NotAllowed (it is resolved)."""
        letter.require_open(self.dead_letter_id)
        return event_of(DeadLetterResolved, self)
