"""One run of events as it comes to pass: who says what, when, and because of what."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from random import Random
from typing import Final, TypeVar
from uuid import UUID, uuid5

from eventstore.append import Append
from eventstore.event import Event

__all__ = ["BEGINNING", "Story", "World"]

BEGINNING: Final = datetime(2026, 1, 5, 6, tzinfo=UTC)
"""When the first story begins. Nothing depends on a clock, so that the same is told at any time."""

_NAMESPACE: Final = UUID("5eed0000-0000-5000-8000-000000000000")

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class World:
    """What the stories of all contexts know of each other: the ids of what they speak of."""

    seed: int

    def id(self, name: str) -> UUID:
        """The same for the same name, such as `package 12`."""
        return uuid5(_NAMESPACE, f"{self.seed} {name}")

    def named(self, name: str) -> str:
        """A name that has to be unique, told apart from that of another seed."""
        return f"{name}-{self.seed}" if self.seed else name


class Story:
    """Collects the events of one run in the order in which they happen.

    All that it says follows from the seed, the context and its number. An event is caused by the
    one before, unless another cause is named.
    """

    def __init__(self, world: World, context: str, number: int, begins: datetime) -> None:
        self.world, self.number, self.begins = world, number, begins
        self.random = Random(f"{world.seed} {context} {number}")
        self.run = world.id(f"{context} {number}")
        """The correlation id; the ids of what is made in this story follow from it."""
        self.now = begins
        self.appends: list[Append] = []
        self._last: UUID | None = None

    def id(self, name: str) -> UUID:
        """The id of something that only this story speaks of."""
        return uuid5(self.run, name)

    def say(
        self,
        stream_id: str,
        event: Event,
        *,
        agent: str,
        to: str | None = None,
        cause: UUID | None = None,
        after: float = 30.0,
    ) -> UUID:
        """Adds an event about `after` seconds later than the one before; returns its id."""
        self.wait(after)
        event_id = uuid5(self.run, f"event {len(self.appends)}")
        self.appends.append(
            Append(
                stream_id,
                [event.with_id(event_id)],
                agent=agent,
                target_agent=to,
                correlation_id=self.run,
                causation_id=cause or self._last,
                occurred_at=self.now,
            )
        )
        self._last = event_id
        return event_id

    def wait(self, seconds: float) -> None:
        """Lets time pass: half of it to half as much again."""
        self.now += timedelta(seconds=seconds * (0.5 + self.random.random()))

    def chance(self, probability: float) -> bool:
        """Whether something happens that happens so often, from 0 to 1."""
        return self.random.random() < probability

    def one_of(self, choices: Sequence[T]) -> T:
        """Any of them."""
        return choices[int(self.random.random() * len(choices))]

    def some_of(self, choices: Sequence[T], fewest: int, most: int) -> list[T]:
        """Different ones, in any order."""
        return self.random.sample(choices, self.number_in(fewest, most))

    def number_in(self, low: int, high: int) -> int:
        """A whole number, the ends included."""
        return low + int(self.random.random() * (high - low + 1))

    def share_in(self, low: float, high: float) -> float:
        """A number with three digits after the point."""
        return round(low + self.random.random() * (high - low), 3)

    def digest(self, name: str) -> str:
        """SHA-256, in hexadecimal, of something that only this story speaks of."""
        return sha256(f"{self.run} {name}".encode()).hexdigest()
