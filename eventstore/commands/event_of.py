"""The event that says what a command asked for."""

from __future__ import annotations

from typing import Any, TypeVar

from eventstore.command import Command
from eventstore.errors import InvalidEvent
from eventstore.event import Event
from eventstore.refusals import InvalidCommand

__all__ = ["event_of"]

E = TypeVar("E", bound=Event)


def event_of(kind: type[E], command: Command, **more: Any) -> E:
    """The event with the command's values of the same names, and `more`.

    Raises InvalidCommand for what the event can't say.
    """
    same = kind.model_fields.keys() & type(command).model_fields.keys()
    try:
        return kind(**{name: getattr(command, name) for name in same - more.keys()}, **more)
    except InvalidEvent as error:
        raise InvalidCommand(
            error.reason, path=error.path or "", command=type(command).__name__
        ) from error
