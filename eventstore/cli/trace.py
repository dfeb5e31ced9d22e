"""`eventstore trace`: one run as a tree of causes, across agents."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Final
from uuid import UUID

import typer

from eventstore.cli.event_rows import speakers
from eventstore.cli.opening import open_log
from eventstore.cli.options import Options
from eventstore.cli.output import print_json, stdout

if TYPE_CHECKING:
    from rich.text import Text

    from eventstore.reader import LogReader
    from eventstore.reading.trace import Step

__all__ = ["app"]

app = typer.Typer(no_args_is_help=True)

READABLE: Final = 1_000
"""Events up to which JSON is indented: deep nesting is mostly indentation."""
_ROOTS: Final = {
    "first": "",
    "outside": "cause outside this run",
    "later": "cause recorded after it",
}


@app.command()
def trace(
    context: typer.Context,
    correlation: Annotated[
        UUID, typer.Argument(metavar="CORRELATION", help="The correlation id of a run.")
    ],
) -> None:
    """Show one run as a tree of causes across agents, with times and the time since each cause."""
    from eventstore.reading.trace import as_json, build, step

    options = Options.of(context)
    with open_log(options) as store:
        steps = [step(recorded) for recorded in store.read_correlation(correlation)]
        if not steps:
            raise _not_found(store, correlation)
    roots = build(steps)
    moments = [each.occurred_at for each in steps]
    first, last = min(moments), max(moments)
    agents = {each.agent for each in steps} - {None}
    if options.json:
        print_json(
            {
                "correlation_id": str(correlation),
                "events": len(steps),
                "agents": sorted(agents, key=str),
                "first_occurred_at": first.isoformat(),
                "last_occurred_at": last.isoformat(),
                "tree": as_json(roots),
            },
            line=len(steps) > READABLE,
        )
        return
    sys.stdout.write(
        f"run {correlation}  {_count(len(steps), 'event')}, {_count(len(agents), 'agent')}, "
        f"from {first.isoformat(' ', 'milliseconds')}, over {_duration(last - first)}\n"
    )
    _draw(roots, dates=first.date() != last.date())
    derived = sum(each.derived for each in steps)
    if derived:
        sys.stdout.write(f"{derived} of the causes were derived by an importer\n")


def _not_found(store: LogReader, correlation: UUID) -> Exception:
    from eventstore.errors import NotFound

    event = store.read_event(correlation)
    if event is None:
        return NotFound("run", correlation, "a run is named by the correlation_id of its events")
    run = event.correlation_id
    return NotFound("run", correlation, f"it is an event's id: try `eventstore trace {run}`")


def _draw(roots: Sequence[Step], dates: bool) -> None:
    """The tree: in colours on a terminal, and there cut to its width."""
    from eventstore.reading.trace import lines

    if not sys.stdout.isatty():
        for guide, each in lines(roots):
            sys.stdout.write(_line(guide, each, dates).plain.rstrip() + "\n")
        return
    console = stdout()
    for guide, each in lines(roots):
        console.print(_line(guide, each, dates), no_wrap=True, overflow="ellipsis")


def _line(guide: str, each: Step, dates: bool) -> Text:
    from rich.text import Text

    at = each.occurred_at.isoformat(" ", "milliseconds").partition("+")[0]
    parts = [(guide, "dim"), (at if dates else at.partition(" ")[2], "dim")]
    if each.since_cause is not None:
        parts.append((f" +{_duration(each.since_cause)}".replace("+-", "-"), "cyan"))
    parts.append((f"  {speakers(each.agent, each.target_agent)}", "bold"))
    parts.append((f"  {each.event_type}", "green"))
    parts.append((f"  {each.summary}" if each.summary else "", ""))
    parts.append((f"  {each.stream_id}", "dim"))
    note = _ROOTS[each.root] if each.root else ""
    if note:
        parts.append((f"  ({note}: {each.causation_id})", "yellow"))
    return Text.assemble(*parts)


def _duration(span: timedelta) -> str:
    """In the largest unit that tells enough."""
    seconds = span.total_seconds()
    size = abs(seconds)
    if size < 1:
        return f"{seconds * 1000:.0f} ms"
    if size < 60:
        return f"{seconds:.1f} s"
    if size < 3600:
        return f"{seconds / 60:.1f} min"
    return f"{seconds / 3600:.1f} h" if size < 172_800 else f"{seconds / 86_400:.1f} days"


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
