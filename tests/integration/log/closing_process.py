"""A process that closes, reopens and appends to streams, as they come; see test_streams."""

from __future__ import annotations

import sys
from random import Random

from eventstore.errors import StreamClosed, StreamNotClosed
from tests.integration.log.facts import open_store, said
from tests.integration.log.processes import answer, commands


def main() -> None:
    url, number = sys.argv[1:]
    chance = Random(int(number))
    with open_store(url) as store:
        for command in commands():
            positions: list[int] = []
            closed = refused = 0
            for _ in range(command["rounds"]):
                stream_id = chance.choice(command["streams"])
                act = chance.choice(["append", "append", "close", "reopen"])
                try:
                    if act == "close":
                        positions += store.streams.close(stream_id, reason="x").positions
                        closed += 1
                    elif act == "reopen":
                        positions += store.streams.reopen(stream_id, reason="x").positions
                    else:
                        positions += store.append(stream_id, said(2)).positions
                except (StreamClosed, StreamNotClosed):
                    refused += 1
            answer({"positions": positions, "closed": closed, "refused": refused})


if __name__ == "__main__":
    main()
