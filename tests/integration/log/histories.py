"""Histories of calls to streams, as their callers wrote them down, and what a stream may answer."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from eventstore import ANY, STREAM_EXISTS
from tests.linearizability import UNKNOWN, Operation, is_linearizable

Stream = tuple[str, ...]
"""The ids of its events."""
Histories = dict[str, list[Operation]]
"""The calls to each stream."""


def recorded(files: Iterable[Path]) -> Histories:
    """What callers wrote down; a line that one was killed in is cut off and says nothing."""
    begun: dict[str, Any] = {}
    answered: dict[str, Any] = {}
    for file in files:
        for line in file.read_text(encoding="utf-8").splitlines(keepends=True):
            if line.endswith("\n"):
                noted = json.loads(line)
                (begun if "asked" in noted else answered)[noted["name"]] = noted
    histories: Histories = defaultdict(list)
    for name, call in begun.items():
        back = answered.get(name)
        histories[call["stream"]].append(
            Operation(
                call["at"],
                UNKNOWN if back is None else back["at"],
                call["asked"],
                None if back is None else back["answered"],
            )
        )
    return histories


def after(stream: Stream, operation: Operation) -> Stream | None:
    """The stream after a call, or None where it could not have answered so."""
    known = operation.back != UNKNOWN
    match operation.asked:
        case ["version"]:
            return stream if not known or operation.answered == len(stream) else None
        case ["read"]:
            return stream if not known or tuple(operation.answered) == stream else None
        case ["append", event_id, expected]:
            wanted, then = _append(stream, event_id, expected)
            return then if not known or operation.answered == wanted else None
    raise ValueError(f"nobody asks {operation.asked}")


def _append(stream: Stream, event_id: str, expected: int) -> tuple[list[Any], Stream]:
    """The right answer, and the stream then."""
    if event_id in stream:
        return ["ok", stream.index(event_id) + 1], stream
    if expected not in (ANY, len(stream)) and not (expected == STREAM_EXISTS and stream):
        return ["conflict", len(stream)], stream
    return ["ok", len(stream) + 1], (*stream, event_id)


def wrong(histories: Mapping[str, list[Operation]]) -> list[str]:
    """The streams whose history no order of the calls explains."""
    empty: Stream = ()
    return [
        stream_id
        for stream_id, history in histories.items()
        if not is_linearizable(history, after, empty)
    ]
