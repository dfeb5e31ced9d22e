"""One event in a consumer's hands."""

from __future__ import annotations

from traceback import format_exception
from typing import TYPE_CHECKING, Any, Final

from eventstore.errors import ConfigurationError, LeaseLost

if TYPE_CHECKING:
    from eventstore.event import Event
    from eventstore.recorded import RawEvent, RecordedEvent
    from eventstore.subscriptions.tray import Tray

__all__ = ["Delivery"]

_LONGEST_REASON: Final = 1_000
_LONGEST_ERROR: Final = 20_000
_LONGEST_DELAY: Final = 366 * 86_400.0


class Delivery:
    """An event to be handled, and settled once: `ack`, `retry` or `park`.

    Until then, and until the consumer has told the store, it can be delivered again, to anybody:
    what a handler does has to be done once for each `key`.
    """

    __slots__ = ("_settled", "_tray", "attempt", "recorded")

    def __init__(self, recorded: RecordedEvent, failed: int, tray: Tray) -> None:
        self.recorded = recorded
        self.attempt = failed + 1
        """1 for the first attempt; what was lost with a consumer counts as one."""
        self._tray = tray
        self._settled = False

    @property
    def event(self) -> Event | RawEvent:
        """The fact; raises UnknownEventType or InvalidEvent when its data can't be read."""
        return self.recorded.event

    @property
    def key(self) -> str:
        """The idempotency key: the subscription's name and the event_id."""
        return f"{self._tray.subscription}/{self.recorded.event_id}"

    @property
    def is_open(self) -> bool:
        """Whether it can still be settled: it was not, and the lease is not known to be lost."""
        return not self._settled and not self._tray.lost

    def ack(self) -> None:
        """It was handled. The store learns of it with the consumer's next call.

        Raises DeliverySettled, or LeaseLost when somebody else has it by now.
        """
        self._tray.acknowledge(self)

    def retry(
        self,
        error: BaseException | str = "retry",
        *,
        delay: float | None = None,
        details: str | None = None,
    ) -> None:
        """It failed: try again after `delay` seconds, or by the subscription's rule.

        After so many attempts it is parked. Later events of its stream wait. `details` are kept
        with the reason; those of an exception are its traceback. Raises as `ack`, and
        ConfigurationError for a delay that is not from 0 to a year.
        """
        if delay is not None and not 0 <= delay <= _LONGEST_DELAY:
            raise ConfigurationError("delay", f"{delay} is not in 0..{_LONGEST_DELAY:.0f} seconds")
        self._tray.fail(self, {"seconds": delay, **_described(error, details)})

    def park(self, reason: BaseException | str, *, details: str | None = None) -> None:
        """Sets it aside until somebody has it retried or discarded. Raises as `ack`."""
        self._tray.fail(self, {"park": True, **_described(reason, details)})

    def renew(self) -> None:
        """Gives a sign of life, for a handler that takes longer than the lease; waits for it.

        Raises LeaseLost when it comes too late, or StoreUnavailable.
        """
        self._tray.renew()
        if self._tray.lost:
            raise LeaseLost(self._tray.subscription)

    def settle(self) -> None:
        """For the tray: it is settled."""
        self._settled = True

    def __repr__(self) -> str:
        at = self.recorded
        return f"<Delivery of {at.event_type} at {at.position}, attempt {self.attempt}>"


def _described(error: BaseException | str, details: str | None) -> dict[str, Any]:
    if isinstance(error, BaseException):
        details = details or "".join(format_exception(error))
        said = str(error)
        error = f"{type(error).__name__}: {said}" if said else type(error).__name__
    return {
        "reason": _plain(error, _LONGEST_REASON),
        "error": None if details is None else _plain(details, _LONGEST_ERROR),
    }


def _plain(text: str, length: int) -> str:
    """What the database can store of a text; the end of an error says most."""
    text = text.replace("\0", "\\0").encode(errors="backslashreplace").decode()
    return text if len(text) <= length else f"…{text[1 - length :]}"
