"""The event that the appends append: 300 bytes of JSON."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from eventstore import Event
from eventstore.encoding.codec import encode

__all__ = ["EVENTS_A_STREAM", "PAYLOAD", "PAYLOAD_BYTES", "StepTaken", "step", "stream_ids"]

PAYLOAD_BYTES: Final = 300
EVENTS_A_STREAM: Final = 20
"""Events that a writer appends to one stream before it begins the next."""


class StepTaken(Event, event_type="bench.step_taken", retention="work"):
    """An agent did something, and says how it went."""

    step: str
    attempt: int
    seconds: float
    outcome: str
    summary: str


_SUMMARY: Final = "s" * (
    PAYLOAD_BYTES
    - len(
        encode(
            StepTaken(step="verify-hashes", attempt=1, seconds=1.25, outcome="passed", summary="")
        )
    )
)


def step() -> StepTaken:
    """A new event of PAYLOAD_BYTES."""
    return StepTaken(
        step="verify-hashes", attempt=1, seconds=1.25, outcome="passed", summary=_SUMMARY
    )


PAYLOAD: Final = encode(step()).decode()
"""Its payload, which the floor inserts."""


def stream_ids(writer: str) -> Iterator[str]:
    """The stream of each of a writer's events: a new one every EVENTS_A_STREAM events."""
    number = 0
    while True:
        number += 1
        yield from [f"bench-{writer}-{number}"] * EVENTS_A_STREAM
