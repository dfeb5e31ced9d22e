"""Why a command is refused: one error for each kind of rule.

    CommandRefused
    ├── InvalidCommand   a field is missing, unknown or of the wrong type
    ├── AlreadyExists    what is to be made is there already
    ├── DoesNotExist     what it is about, or its parent, is not there, or was deleted
    ├── IllegalMove      the status can't become that one
    ├── SessionEnded     the session is completed or expired
    ├── SchemaViolated   content is not what the active JSON Schema of its type allows
    └── NotAllowed       another rule of the context forbids it

Each carries the facts as attributes. A value that must be unique across streams is refused by the
log itself, as errors.ValueTaken.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from eventstore.errors import CommandRefused

__all__ = [
    "AlreadyExists",
    "CommandRefused",
    "DoesNotExist",
    "IllegalMove",
    "InvalidCommand",
    "NotAllowed",
    "SchemaViolated",
    "SessionEnded",
    "require_move",
]

S = TypeVar("S", bound=str)


class InvalidCommand(CommandRefused, ValueError):
    """The command can't be said like this: `reason`, at `path` of `command`."""

    def __init__(self, reason: str, *, path: str, command: str) -> None:
        self.reason, self.path, self.command = reason, path, command
        super().__init__(f"{command} at {path}: {reason}" if path else f"{command}: {reason}")


class AlreadyExists(CommandRefused):
    """There is such a `thing`, such as a package, of that `key` already."""

    def __init__(self, thing: str, key: object) -> None:
        self.thing, self.key = thing, str(key)
        super().__init__(f"there is a {thing} {key} already; give the new one an id of its own")


class DoesNotExist(CommandRefused, LookupError):
    """There is no such `thing` of that `key`, or it was deleted."""

    exit_code = 3

    def __init__(self, thing: str, key: object, *, deleted: bool = False) -> None:
        self.thing, self.key, self.deleted = thing, str(key), deleted
        super().__init__(
            f"{thing} {key} was deleted; restore it first"
            if deleted
            else f"there is no {thing} {key}"
        )


class IllegalMove(CommandRefused):
    """The `status` of a `thing` can't become `wanted`; `allowed` may follow it."""

    def __init__(
        self, thing: str, key: object, status: str, wanted: str, allowed: tuple[str, ...]
    ) -> None:
        self.thing, self.key = thing, str(key)
        self.status, self.wanted, self.allowed = status, wanted, allowed
        super().__init__(
            f"{thing} {key} is {status} and can't become {wanted}; what may follow: "
            f"{', '.join(allowed) or 'nothing'}"
        )


class SessionEnded(CommandRefused):
    """Nothing more can be said in a session that is over: its `state` says how it ended.

    `since` is None when the event that ended it says no time.
    """

    def __init__(self, session_id: object, state: str, since: str | None = None) -> None:
        self.session_id, self.state, self.since = str(session_id), state, since
        when = f" since {since}" if since else ""
        super().__init__(f"session {session_id} is {state}{when}; start another one")


class SchemaViolated(CommandRefused):
    """A value at `path` breaks the JSON Schema of `thing`: `reason`."""

    def __init__(self, thing: str, path: str, reason: str) -> None:
        self.thing, self.path, self.reason = thing, path, reason
        super().__init__(f"{path or 'the content'} is not as the schema of {thing} says: {reason}")


class NotAllowed(CommandRefused):
    """A rule of the context forbids it: `reason`, which says what to do instead."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


def require_move(
    thing: str, key: object, moves: Mapping[S, frozenset[S]], status: S, wanted: S
) -> None:
    """Raises IllegalMove unless `wanted` may follow `status`."""
    if wanted not in moves[status]:
        raise IllegalMove(thing, key, status, wanted, tuple(sorted(moves[status])))
