"""A writer in a process of its own. Arguments: the database's URL, the writer's number."""

from __future__ import annotations

import random
import sys
from typing import Any

from eventstore import ANY, NO_STREAM, STREAM_EXISTS, EventStore
from eventstore.errors import ConcurrencyConflict
from tests.integration.log.facts import Said, open_store
from tests.integration.log.processes import answer, commands


def duel(store: EventStore, stream_id: str, expected_version: int) -> dict[str, Any]:
    """One append under an expected version: the receipt, or the conflict."""
    said = Said()
    try:
        receipt = store.append(stream_id, [said], expected_version=expected_version)
    except ConcurrencyConflict as conflict:
        return {"actual": conflict.actual, "expected": int(conflict.expected),
                "stream_id": conflict.stream_id}  # fmt: skip
    return {"won": receipt.stream_version, "event_id": str(said.event_id)}


def race(store: EventStore, streams: int, wins: int, seed: int) -> dict[str, Any]:
    """Appends under the version just read until it has won so often; repeats what it won."""
    choose = random.Random(seed)
    won: list[tuple[str, int, str]] = []
    conflicts: list[tuple[str, int, int]] = []
    other_receipts: list[str] = []
    while len(won) < wins:
        stream_id = f"race-{choose.randrange(streams)}"
        expected, said = store.stream_version(stream_id), Said(number=choose.randrange(1000))
        try:
            receipt = store.append(stream_id, [said], expected_version=expected)
        except ConcurrencyConflict as conflict:
            conflicts.append((conflict.stream_id, expected, conflict.actual))
            continue
        won.append((stream_id, receipt.stream_version, str(said.event_id)))
        believed = choose.choice([ANY, NO_STREAM, STREAM_EXISTS, expected, 10**6])
        if store.append(stream_id, [said], expected_version=believed) != receipt:
            other_receipts.append(str(said.event_id))
    return {"won": won, "conflicts": conflicts, "other_receipts": other_receipts}


def load(store: EventStore, number: int, appends: int) -> None:
    """Appends one event at a time and answers at once with each that was acknowledged."""
    for n in range(1, appends + 1):
        said = Said(number=n)
        receipt = store.append(f"load-{number}", [said])
        answer([str(said.event_id), receipt.stream_version, receipt.position])
    answer("done")


def main() -> None:
    url, number = sys.argv[1], int(sys.argv[2])
    with open_store(url) as store:
        for command in commands():
            match command.pop("do"):
                case "duel":
                    answer(duel(store, **command))
                case "race":
                    answer(race(store, seed=number, **command))
                case "load":
                    load(store, number, **command)


if __name__ == "__main__":
    main()
