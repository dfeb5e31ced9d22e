"""What somebody wants done, and the pure decision whether it may be, and which events say so.

    class RegisterUser(Command):
        user_id: UUID
        email: str

        def reads(self) -> dict[str, State]:
            return {f"user-{self.user_id}": UserState()}

        def decide(self, user: UserState) -> Decision:
            if user.exists:
                raise AlreadyExists("user", self.user_id)
            event = UserRegistered(user_id=self.user_id, email=self.email)
            return Decision([event], claims=[Claim("workspaces.user.email", self.email.lower())])

`store.execute(RegisterUser(...))` reads the streams, folds them into the states, asks `decide`, and
appends; when somebody else was quicker it does so again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Protocol, Self
from uuid import UUID, uuid5

import uuid_utils.compat
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from eventstore.event import Event
from eventstore.guards import Claim
from eventstore.query import Query
from eventstore.refusals import InvalidCommand

__all__ = ["Command", "Decided", "Decision", "State", "Timed", "decision"]


class State(Protocol):
    """What a stream's events come to, as far as decisions need to know; immutable.

    Before any event, all states of one type are alike.
    """

    def after(self, event: Event) -> Self:
        """The state after one more event; itself for an event that changes nothing."""
        ...


@dataclass(frozen=True, slots=True)
class Decision:
    """The events that say what was decided, and the unique values that their stream has by it.

    The events get the tags. When there is an event that `fail_if_any` means, wherever in the log,
    `execute` raises ConditionFailed.
    """

    events: Sequence[Event]
    claims: Sequence[Claim] = ()
    releases: Sequence[Claim] = ()
    tags: Sequence[str] = ()
    fail_if_any: Query | None = None


Decided = Event | Sequence[Event] | Decision
"""What `decide` may return; an event, or several, is a decision without claims."""


class Command(BaseModel):
    """A wish, as immutable data. A subclass says what it `reads` and how it decides.

    Both are pure: no clock, no random, no I/O; a time that matters is a field. A command has a
    `command_id`: executing the same command again returns the receipt of the first time.

    Raises InvalidCommand when a field is missing, unknown or of the wrong type.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    command_id: UUID = Field(default_factory=uuid_utils.compat.uuid7)
    """Names this wish; the ids of its events follow from it."""

    if not TYPE_CHECKING:  # type checkers take the fields from the class body

        def __init__(self, **fields: Any) -> None:
            try:
                super().__init__(**fields)
            except ValidationError as error:
                first = error.errors(include_url=False, include_context=False)[0]
                raise InvalidCommand(
                    first["msg"].removeprefix("Value error, "),
                    path=".".join(map(str, first["loc"])),
                    command=type(self).__name__,
                ) from error

    def reads(self) -> Mapping[str, State]:
        """The streams that the decision rests on, each with its state before any event.

        The first is the one that is appended to. The others must not have moved until then.
        """
        raise NotImplementedError

    def decide(self, *states: Any, **_: Any) -> Decided:
        """The events that say it, from the states in the order of `reads`, or a CommandRefused."""
        raise NotImplementedError

    def event_id(self, number: int) -> UUID:
        """The id of the event of that number, from 0, that the command leads to."""
        return uuid5(self.command_id, str(number))


class Timed(Command):
    """A wish that depends on the time, such as one in a session that may have expired.

    Its events occurred `at`, whatever else is said of the append: what was decided for a moment
    is recorded for the same moment.
    """

    at: AwareDatetime = Field(default_factory=lambda: datetime.now(UTC))
    """When it is wished, by the caller's clock."""


def decision(decided: Decided) -> Decision:
    """What `decide` returned, in its full form."""
    if isinstance(decided, Decision):
        return decided
    return Decision([decided] if isinstance(decided, Event) else decided)
