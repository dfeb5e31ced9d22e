"""`python -m benchmarks`: all workloads, in about half an hour, into docs/benchmarks.md."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Annotated, Any, Final

import orjson
import typer
from rich.console import Console

from benchmarks.facts import facts
from benchmarks.logs.compare import Comparison
from benchmarks.logs.environment import prepare
from benchmarks.logs.stores import STORES
from benchmarks.measure import Outcome, Plan
from benchmarks.plot import draw_cost, draw_rates, draw_scale, picture
from benchmarks.profile import COLUMNS, profile_append
from benchmarks.queries import COLUMNS as QUERY_COLUMNS
from benchmarks.queries import measure_queries
from benchmarks.report import as_json, markdown, outcomes_markdown, table, write_between
from benchmarks.sandbox import sandbox
from benchmarks.scale import COLUMNS as SCALE_COLUMNS
from benchmarks.scale import Point, measure_scale
from benchmarks.scale_memory import MEMORY_COLUMNS, Peak
from benchmarks.workloads import SECTIONS, WORKLOADS

FULL: Final = Plan(
    rounds=3,
    seconds=3.0,
    events=100_000,
    appends=200,
    history=1_000_000,
    burst=100_000,
    lengths=(100_000, 1_000_000, 5_000_000),
    peer_events=20_000,
)
QUICK: Final = Plan(
    rounds=1,
    seconds=1.0,
    events=6_000,
    appends=40,
    history=6_000,
    burst=3_000,
    lengths=(3_000, 6_000, 12_000),
    peer_events=500,
)

_CONNECTIONS: Final = 400
"""Of all processes of all stores that are compared, most of which wait for their turn."""

app = typer.Typer(add_completion=False)
_stderr = Console(stderr=True)

Quick = Annotated[bool, typer.Option("--quick", help="A minute, rough numbers, nothing written.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON, with the value of every round.")]


@app.callback(invoke_without_command=True)
def run(
    context: typer.Context,
    quick: Quick = False,
    only: Annotated[
        list[str] | None,
        typer.Option(help=f"One of {', '.join(WORKLOADS)}; may be repeated."),
    ] = None,
    json: Json = False,
) -> None:
    """Measure the store beside the same server's own pace, into docs/benchmarks.md."""
    if context.invoked_subcommand is not None:
        return
    unknown = set(only or ()) - WORKLOADS.keys()
    if unknown:
        raise typer.BadParameter(f"{', '.join(unknown)}: none of {', '.join(WORKLOADS)}")
    outcomes: dict[str, list[Outcome]] = {}
    with sandbox() as server:
        measured_on = facts(server)
        for name in only or WORKLOADS:
            with _stderr.status(name) as status:
                measured = outcomes.setdefault(name, [])
                for outcome in WORKLOADS[name](server, QUICK if quick else FULL, status.update):
                    measured.append(outcome)
                    _stderr.print(f"{outcome.name} is measured")
    everything = [outcome for measured in outcomes.values() for outcome in measured]
    if json:
        sys.stdout.buffer.write(orjson.dumps(as_json(measured_on, everything)) + b"\n")
    else:
        _stdout().print(table(everything))
    if not quick:
        _write(measured_on, outcomes)


def _write(measured_on: Mapping[str, str], outcomes: Mapping[str, list[Outcome]]) -> None:
    """Into docs/benchmarks.md and its pictures, section by section, if all of it was measured."""
    measured = {name: them for name, them in SECTIONS.items() if outcomes.keys() >= them.keys()}
    if measured:
        write_between("machine", markdown(("machine", ""), measured_on.items()))
    for section, workloads in measured.items():
        theirs = [outcome for name in workloads for outcome in outcomes[name]]
        write_between(section, outcomes_markdown(theirs))
        if section == "growth":
            draw_cost(theirs[0], picture(section))
        elif any(outcome.unit == "events/s" for outcome in theirs):
            draw_rates(theirs, picture(section))


@app.command("profile-append")
def profile(quick: Quick = False, json: Json = False) -> None:
    """Show where the microseconds of one append go, into docs/benchmarks.md."""
    with sandbox() as server, _stderr.status("measuring"):
        costs = profile_append(server, 10 if quick else 60)
    rows = [cost.cells() for cost in costs]
    if json:
        sys.stdout.buffer.write(orjson.dumps(costs) + b"\n")
    else:
        sys.stdout.write(markdown(COLUMNS, rows) + "\n")
    if not quick:
        write_between("profile", markdown(COLUMNS, rows))


@app.command("queries")
def queries(quick: Quick = False, json: Json = False) -> None:
    """Time every named query beside plain tables, after a million events; ten minutes."""
    plan, times = (QUICK, 20) if quick else (FULL, 200)
    with sandbox() as server, _stderr.status("measuring") as status:
        taken = measure_queries(server, max(plan.history, 20_000), times, status.update)
    rows = [each.cells() for each in taken]
    if json:
        sys.stdout.buffer.write(orjson.dumps(taken) + b"\n")
    else:
        sys.stdout.write(markdown(QUERY_COLUMNS, rows) + "\n")
    if not quick:
        write_between("queries", markdown(QUERY_COLUMNS, rows))


@app.command("scale")
def scale(
    quick: Quick = False,
    json: Json = False,
    longest: Annotated[
        int, typer.Option(min=1_000_000, help="Events of the longest log, a power of ten.")
    ] = 10_000_000,
) -> None:
    """Show what an operation costs as the log grows to 10^7 events and 120 partitions; an hour."""
    lengths = (1_000, 4_000) if quick else tuple(_powers(100_000, longest))
    with sandbox() as server, _stderr.status("measuring") as status:
        measured = list(measure_scale(server, lengths, 5 if quick else 200, status.update))
    points = [each for each in measured if isinstance(each, Point)]
    peaks = [each for each in measured if isinstance(each, Peak)]
    tables = {
        "scale": markdown(SCALE_COLUMNS, _beside_the_first(points)),
        "scale-memory": markdown(MEMORY_COLUMNS, _beside_the_first(peaks)),
    }
    if json:
        sys.stdout.buffer.write(orjson.dumps(measured) + b"\n")
    else:
        sys.stdout.write("\n\n".join(tables.values()) + "\n")
    if not quick:
        for section, text in tables.items():
            write_between(section, text)
        draw_scale(points, picture("scale"))


def _beside_the_first(measured: Sequence[Any]) -> list[tuple[str, ...]]:
    """The rows of a table, by what was measured, each beside the first of its kind."""
    first = {each.what: each for each in reversed(measured)}
    return [each.cells(first[each.what]) for each in sorted(measured, key=lambda one: one.what)]


def _powers(first: int, last: int) -> Iterator[int]:
    while first <= last:
        yield first
        first *= 10


@app.command("logs")
def logs(
    quick: Quick = False,
    only: Annotated[
        list[str] | None, typer.Option(help="One store beside ours; may be repeated.")
    ] = None,
    json: Json = False,
    python: Annotated[
        str | None,
        typer.Option(envvar="PEERS_PYTHON", help="The interpreter for their Python packages."),
    ] = None,
) -> None:
    """Append, read and follow beside other event stores, from their registries; ten minutes."""
    names = {store.name for store in STORES}
    if unknown := set(only or ()) - names:
        raise typer.BadParameter(f"{', '.join(unknown)}: none of {', '.join(sorted(names))}")
    with _stderr.status("installing the other stores"):
        environment = prepare(python)
    for package, reason in environment.missing.items():
        _stderr.print(f"without {package}: {reason}")
    stores = [
        store
        for store in STORES
        if store.package in environment.versions and store.name in (only or names)
    ]
    outcomes = []
    with sandbox() as server, _stderr.status("logs") as status:
        server.admit(_CONNECTIONS)
        measured_on = facts(server)
        plan = replace(QUICK if quick else FULL, events=3_000 if quick else 50_000)
        for outcome in Comparison(server, environment, stores, plan, status.update).outcomes():
            outcomes.append(outcome)
            _stderr.print(f"{outcome.name} is measured")
    if json:
        sys.stdout.buffer.write(orjson.dumps(as_json(measured_on, outcomes)) + b"\n")
    else:
        _stdout().print(table(outcomes))
    if not quick and not only:
        write_between("logs", outcomes_markdown(outcomes))
        draw_rates(outcomes, picture("logs"))


def _stdout() -> Console:
    """As wide as the terminal; wide enough where there is none."""
    return Console(width=None if sys.stdout.isatty() else 190)


if __name__ == "__main__":
    app(prog_name="python -m benchmarks")
