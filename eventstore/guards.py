"""What an append rests on besides its own stream: other streams, and values that must be unique."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from eventstore.append import check_name
from eventstore.limits import MAX_NAME, MAX_STREAM_ID

__all__ = ["MAX_CLAIM", "Claim", "Guards"]

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
class Guards:
    """What must hold when the events are recorded, or nothing of them is."""

    unchanged: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))
    """Streams that must still be at that stream_version; 0 is a stream that does not exist."""
    claims: tuple[Claim, ...] = ()
    """Values that the first stream of the append has from now on."""
    releases: tuple[Claim, ...] = ()
    """Values that it had, and gives up."""

    def __post_init__(self) -> None:
        for stream_id in self.unchanged:
            check_name(stream_id, "stream_id", MAX_STREAM_ID)

    def __bool__(self) -> bool:
        return bool(self.unchanged or self.claims or self.releases)
