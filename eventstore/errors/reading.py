"""Why a read is not what was asked for."""

from __future__ import annotations

from eventstore.errors.base import EventStoreError

__all__ = ["DeadlineExceeded", "EventHeld", "HistoryDiverged", "PositionNotReady", "ReadBehind"]


class PositionNotReady(EventStoreError):
    """An ordered read was tried where it can't be had: the transaction keeps one snapshot."""


class HistoryDiverged(EventStoreError):
    """The log does not hold the event that a checkpoint names: a fail-over or a restore lost it.

    `position` is the checkpoint's; going on would hide the loss.
    """

    exit_code = 6

    def __init__(self, position: int, reason: str) -> None:
        self.position, self.reason = position, reason
        super().__init__(
            f"the log is not the one that the checkpoint at position {position} was taken from: "
            f"{reason}; find out what was lost, then start again from a position that both share"
        )


class EventHeld(EventStoreError):
    """A projection holds the event at `position` back, so its rows do not show it.

    It failed for `reason`, or it waits for the event at `behind`, which failed.
    """

    exit_code = 6

    def __init__(
        self, projection: str, position: int, behind: int | None, reason: str | None
    ) -> None:
        self.projection, self.position = projection, position
        self.behind, self.reason = behind, reason
        why = reason if behind is None else f"it waits for the event at position {behind}"
        super().__init__(
            f"projection {projection} has not applied the event at position {position}: {why}; see "
            f"`eventstore projections failures show {projection} {behind or position}`"
        )


class DeadlineExceeded(EventStoreError, TimeoutError):
    """A projection did not reach `position` within `timeout` seconds.

    Its slowest shard has `reached` that position, and is in `state`; `holder` runs it, if anybody
    does. The event is recorded, and will be applied all the same.
    """

    def __init__(
        self,
        projection: str,
        position: int,
        timeout: float,
        reached: int,
        state: str,
        holder: str | None,
        *,
        last_error: str | None = None,
    ) -> None:
        self.projection, self.position, self.timeout = projection, position, timeout
        self.reached, self.state, self.holder = reached, state, holder
        self.last_error = last_error
        who = f"run by {holder}" if holder else "run by nobody: start `eventstore projections run`"
        said = f", {last_error}" if last_error else ""
        super().__init__(
            f"projection {projection} did not reach position {position} within {timeout:g} s: it "
            f"is at {reached}, {state}{said}, {who}"
        )


class ReadBehind(EventStoreError, TimeoutError):
    """Reads did not show the log up to `position` within `timeout` seconds.

    They show it up to `reached`, as it was `age` seconds ago; 0 on the primary, where an append in
    flight holds readers back.
    """

    def __init__(self, position: int, timeout: float, reached: int, age: float) -> None:
        self.position, self.timeout = position, timeout
        self.reached, self.age = reached, age
        super().__init__(
            f"reads do not show position {position} after {timeout:g} s: they are at {reached}, as "
            f"of {age:.1f} s ago; read from the primary, or see `eventstore health`"
        )
