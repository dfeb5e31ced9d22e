"""What the database said, or did not say."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from eventstore.errors.base import EventStoreError

__all__ = ["DatabaseFault", "PermissionDenied", "SchemaMismatch", "StoreUnavailable"]


class StoreUnavailable(EventStoreError):
    """The database gave no answer in time.

    For an append, `event_ids` names the events whose outcome is unknown. Appending the very same
    event objects again is safe: what was recorded answers with its first receipt.
    """

    exit_code = 4

    def __init__(self, reason: str, *, event_ids: Sequence[UUID] = ()) -> None:
        self.reason, self.event_ids = reason, tuple(event_ids)
        tail = "; the outcome is unknown, append the same events again" if event_ids else ""
        super().__init__(f"the event store can't be reached: {reason}{tail}")


class SchemaMismatch(EventStoreError):
    """The database's schema is behind or ahead of this code.

    `found` is the revision in the database (None when it has no store), `expected` the one that
    this code was written for, `cure` the command that mends it.
    """

    exit_code = 4

    def __init__(self, found: str | None, expected: str, reason: str, cure: str) -> None:
        self.found, self.expected, self.reason, self.cure = found, expected, reason, cure
        super().__init__(
            f"{reason} (database at {found or 'no revision'}, code at {expected}): {cure}"
        )


class PermissionDenied(EventStoreError):
    """The login may not do that; `reason` says what was tried and what is missing."""

    exit_code = 4

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


class DatabaseFault(EventStoreError):
    """The database refused with an error that this code does not foresee; `sqlstate` is its."""

    def __init__(self, sqlstate: str | None, reason: str) -> None:
        self.sqlstate, self.reason = sqlstate, reason
        super().__init__(f"the database answered {sqlstate or 'an error'}: {reason}")
