"""What `eventstore subscriptions consume` does with each delivery."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

import orjson

from eventstore.cli.event_rows import event_line
from eventstore.cli.output import print_json

if TYPE_CHECKING:
    from eventstore.cli.options import Options
    from eventstore.subscriptions import Consumer, Delivery

__all__ = ["handle", "stopped_by_signals"]

_PARK: Final = 65
"""EX_DATAERR of sysexits.h: the event itself is wrong."""
_LONGEST_ERROR: Final = 20_000


def handle(options: Options, consumer: Consumer, command: str | None) -> tuple[int, int]:
    """Prints each delivery, or gives it to a command; how many were handled, and failed."""
    handled = failed = 0
    for delivery in consumer:
        if command is None:
            _print(options, delivery)
            delivery.ack()
        elif not _run(options, delivery, command):
            failed += 1
            continue
        handled += 1
    return handled, failed


@contextmanager
def stopped_by_signals(consumer: Consumer) -> Iterator[None]:
    """SIGTERM lets the delivery at hand be finished; so does the first Ctrl-C."""

    def stop(number: int, frame: object) -> None:
        consumer.stop()
        signal.signal(number, signal.SIG_DFL if number == signal.SIGTERM else previous[number])

    numbers = (signal.SIGTERM, signal.SIGINT)
    previous: dict[int, Any] = {number: signal.signal(number, stop) for number in numbers}
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


def _run(options: Options, delivery: Delivery, command: str) -> bool:
    """Whether the command handled the event."""
    recorded = delivery.recorded
    ran = subprocess.run(
        command,
        shell=True,
        input=orjson.dumps(recorded.as_json(), option=orjson.OPT_APPEND_NEWLINE),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=os.environ
        | {
            "EVENTSTORE_DELIVERY_KEY": delivery.key,
            "EVENTSTORE_DELIVERY_ATTEMPT": str(delivery.attempt),
        },
        start_new_session=True,  # Ctrl-C is for the consumer, which lets the command finish
        check=False,
    )
    said = ran.stdout.decode(errors="backslashreplace")[-_LONGEST_ERROR:]
    sys.stderr.write(said)
    outcome = {0: "acknowledged", _PARK: "parked"}.get(ran.returncode, "failed")
    reason = (said.strip().splitlines() or [""])[-1]
    reason = f"exit code {ran.returncode}" + (f": {reason}" if reason else "")
    if delivery.is_open:
        if outcome == "acknowledged":
            delivery.ack()
        elif outcome == "parked":
            delivery.park(reason, details=said)
        else:
            delivery.retry(reason, details=said)
    facts = {
        "position": recorded.position,
        "event_id": str(recorded.event_id),
        "attempt": delivery.attempt,
        "outcome": outcome,
        "exit_code": ran.returncode,
    }
    if options.json:
        print_json(facts, line=True)
    else:
        sys.stdout.write(f"{outcome:12}  {event_line(recorded)}\n")
        sys.stdout.flush()
    return outcome == "acknowledged"


def _print(options: Options, delivery: Delivery) -> None:
    if options.json:
        print_json(delivery.recorded.as_json(), line=True)
    else:
        sys.stdout.write(event_line(delivery.recorded) + "\n")
        sys.stdout.flush()
