"""What an append rests on besides its own stream: other streams, unique values, other events."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from eventstore.errors import InvalidEvent
from eventstore.limits import MAX_ITEMS, MAX_NAME, MAX_STREAM_ID
from eventstore.names import check_name, is_position
from eventstore.query import Query

__all__ = ["MAX_CLAIM", "Claim", "Condition", "Guards"]

MAX_CLAIM: Final = 512
"""Characters of a claimed value."""


@dataclass(frozen=True, slots=True, order=True)
class Claim:
    """A value that only one stream of a tenant may have, such as the e-mail of a user.

    It is compared letter by letter: who decides spells it for comparison, such as in lower case.
    Raises InvalidEvent for what can't be a name.
    """

    scope: str
    """What is unique, such as `workspaces.user.email`."""
    value: str

    def __post_init__(self) -> None:
        check_name(self.scope, "scope", MAX_NAME)
        check_name(self.value, "value", MAX_CLAIM)


@dataclass(frozen=True, slots=True)
class Condition:
    """No event that the query means may have a position above `after`.

    Raises InvalidEvent when an item of the query has no tag: appends are held off by their tags.
    """

    query: Query
    after: int = 0

    def __post_init__(self) -> None:
        if not isinstance(self.query, Query):
            raise InvalidEvent(f"{type(self.query).__name__} is no Query", path="fail_if_any")
        if not self.query.tagged:
            raise InvalidEvent(
                "each item of a condition needs a tag; to condition an append on all events of a "
                "type, give these a tag that they share",
                path="fail_if_any",
            )
        if not is_position(self.after):
            raise InvalidEvent(f"{self.after!r} is no position", path="after")


@dataclass(frozen=True, slots=True)
class Guards:
    """What must hold when the events are recorded, or nothing of them is."""

    unchanged: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))
    """Streams that must still be at that stream_version; 0 is a stream that does not exist."""
    claims: tuple[Claim, ...] = ()
    """Values that the first stream of the append has from now on."""
    releases: tuple[Claim, ...] = ()
    """Values that it had, and gives up."""
    conditions: tuple[Condition, ...] = ()
    """Events that must not be there."""

    def __post_init__(self) -> None:
        for stream_id in self.unchanged:
            check_name(stream_id, "stream_id", MAX_STREAM_ID)
        if sum(len(each.query.items) for each in self.conditions) > MAX_ITEMS:
            raise InvalidEvent(f"more than {MAX_ITEMS} items in one call", path="fail_if_any")

    def __bool__(self) -> bool:
        return bool(self.unchanged or self.claims or self.releases or self.conditions)
