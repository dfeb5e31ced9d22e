"""How the commands show events: as rows of a table, as lines of a stream, as JSON."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import orjson

from eventstore.cli.output import print_rows
from eventstore.reading.summary import summary

if TYPE_CHECKING:
    from eventstore.cli.options import Options
    from eventstore.recorded import RecordedEvent

__all__ = ["event_line", "print_events", "speakers"]


def print_events(options: Options, events: Iterable[RecordedEvent]) -> None:
    """A table, or a JSON array that is written as the events come."""
    if not options.json:
        rows = [_row(recorded) for recorded in events]
        tags = ("tags",) if any(row["tags"] for row in rows) else ()
        columns = ("position", "time", "agent", "stream", "event_type", *tags, "summary")
        print_rows(options, rows, columns)
        return
    before = "["
    for recorded in events:
        text = orjson.dumps(recorded.as_json(), option=orjson.OPT_INDENT_2).decode()
        sys.stdout.write(f"{before}\n{text}")
        before = ","
    sys.stdout.write("[]\n" if before == "[" else "\n]\n")


def event_line(recorded: RecordedEvent) -> str:
    """One event on one line."""
    row = _row(recorded)
    tags = f"[{row['tags']}]  " if row["tags"] else ""
    return (
        f"{row['position']:>8}  {row['time']}  {row['agent']}  {row['event_type']}  "
        f"{row['stream']}  {tags}{row['summary']}"
    ).rstrip()


def speakers(agent: str | None, target_agent: str | None) -> str:
    """Who said it to whom."""
    said = agent or "-"
    return f"{said} → {target_agent}" if target_agent else said


def _row(recorded: RecordedEvent) -> dict[str, Any]:
    return {
        "position": recorded.position,
        "time": recorded.occurred_at.isoformat(" ", "milliseconds"),
        "agent": speakers(recorded.agent, recorded.target_agent),
        "stream": recorded.stream_id,
        "event_type": recorded.event_type,
        "tags": ", ".join(recorded.tags),
        "summary": summary(recorded.payload, 60),
    }
