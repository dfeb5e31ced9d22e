"""A writer of tagged events, many of them on condition, in a process of its own.

What an event was appended under stands in its metadata, so that the log can be judged afterwards.
Arguments: the database's URL, the writer's number.
"""

from __future__ import annotations

import json
import random
import sys
from collections.abc import Callable
from typing import Any
from uuid import uuid4

from eventstore import Append, EventStore, Query, Receipt
from eventstore.errors import ConditionFailed
from tests.integration.log.facts import Asked, Said, open_store
from tests.integration.log.processes import answer, commands

TAGS = [f"t:{number}" for number in range(5)]
MANY = 80
"""Tags of one call that are more than are locked one by one."""


class Writer:
    """Appends at random, and notes what it was refused for."""

    def __init__(self, store: EventStore, number: int) -> None:
        self.store, self.number = store, number
        self.random = random.Random(number)
        self.wins = 0
        self.refused: list[tuple[Any, int, int, str]] = []
        self.other_receipts = 0

    def step(self) -> None:
        """One append, or one of several parts."""
        ways: list[tuple[int, Callable[[], list[Append]]]] = [
            (4, self.name), (4, self.skew), (4, self.guess), (3, self.plain), (1, self.untagged),
            (1, self.many), (2, self.several),
        ]  # fmt: skip
        weights, choices = zip(*ways, strict=True)
        (choice,) = self.random.choices(choices, weights)
        self.write(choice())

    def write(self, parts: list[Append]) -> None:
        try:
            receipts: list[Receipt] = self.store.append_many(parts)
        except ConditionFailed as error:
            items = json.loads(error.query.as_json())
            self.refused.append((items, error.after, error.position, error.event_type))
            return
        self.wins += 1
        if self.random.random() < 0.2:
            self.other_receipts += self.store.append_many(parts) != receipts

    def part(self, tags: list[str], unless: Query | None = None, after: int = 0) -> Append:
        """An append to a stream that others write to as well."""
        said = None if unless is None else {"unless": json.loads(unless.as_json()), "after": after}
        return Append(
            f"s-{self.random.randrange(20)}",
            [self.random.choice([Said, Asked])() for _ in range(self.random.randrange(1, 3))],
            metadata={"condition": said},
            tags=tags,
            fail_if_any=unless,
            after=after,
        )

    def some_tags(self, most: int = 3) -> list[str]:
        return self.random.sample(TAGS, self.random.randrange(1, most + 1))

    def some_query(self) -> Query:
        return Query.any(
            *(
                Query(types=self.random.choice([[], [Said], [Asked]]), tags=self.some_tags(2))
                for _ in range(self.random.randrange(1, 3))
            )
        )

    def name(self) -> list[Append]:
        """A name that only one may have; all writers ask for the same ones at about one time."""
        name = f"name:{self.wins // 4}"
        return [self.part([name], Query(tags=[name]))]

    def skew(self) -> list[Append]:
        """One side of a pair, if nobody has the other."""
        pair, side = self.wins // 4, self.random.randrange(2)
        return [self.part([f"pair:{pair}:{side}"], Query(tags=[f"pair:{pair}:{1 - side}"]))]

    def guess(self) -> list[Append]:
        """What was decided on all that a query means up to now."""
        query, mark = self.some_query(), self.store.watermark()
        seen = list(self.store.read_all(until=mark, query=query, after=max(0, mark - 50)))
        after = self.random.choice([mark, seen[-1].position if seen else mark])
        return [self.part(self.some_tags(), query, after)]

    def plain(self) -> list[Append]:
        return [self.part(self.some_tags())]

    def untagged(self) -> list[Append]:
        return [self.part([])]

    def many(self) -> list[Append]:
        """More tags than are locked one by one, contested ones among them."""
        parts = [self.part([f"own:{uuid4()}"]) for _ in range(MANY)]
        return [*parts, *self.random.choice([self.name, self.skew, self.guess, self.plain])()]

    def several(self) -> list[Append]:
        return [*self.guess(), *self.skew()]


def race(writer: Writer, writes: int) -> None:
    """Writes so often, and answers with what came of it."""
    for _ in range(writes):
        writer.step()
    answer({"wins": writer.wins, "refused": writer.refused,
            "other_receipts": writer.other_receipts})  # fmt: skip


def names(store: EventStore, number: int, count: int) -> None:
    """Asks for one name after the other; answers at once with each that it was given."""
    for name in (f"name:{n}" for n in range(count)):
        said = Said(number=number)
        try:
            receipt = store.append(
                f"owner-{number}", [said], tags=[name], fail_if_any=Query(tags=[name])
            )
        except ConditionFailed:
            continue
        answer([name, str(said.event_id), receipt.position])
    answer("done")


def main() -> None:
    url, number = sys.argv[1], int(sys.argv[2])
    with open_store(url) as store:
        writer = Writer(store, number)
        for command in commands():
            match command.pop("do"):
                case "race":
                    race(writer, **command)
                case "names":
                    names(store, number, **command)


if __name__ == "__main__":
    main()
