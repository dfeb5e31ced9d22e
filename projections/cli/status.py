"""`eventstore projections status`: where everything is, and what to do where something is wrong."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import closing
from dataclasses import asdict
from threading import Event
from typing import TYPE_CHECKING, Any, Final

from eventstore.cli.options import Options
from eventstore.cli.output import print_json, say, stdout, table
from eventstore.errors import StoreUnavailable

if TYPE_CHECKING:
    from rich.console import RenderableType

    from projections.monitor.status import HookStatus, InFlight, ProjectionStatus, Status
    from projections.projection import Projection

__all__ = ["show_status", "watch_status"]

_COLUMNS: Final = (
    "projection",
    "state",
    "position",
    "lag",
    "rate",
    "caught_up_in",
    "failures",
    "hooks",
    "holder",
    "heartbeat",
)


def show_status(options: Options, url: str, projections: Iterable[Projection]) -> None:
    """Shows it once."""
    found = _look(url, projections)
    if options.json:
        print_json(_document(found))
    else:
        stdout().print(_picture(found))


def watch_status(
    options: Options, url: str, projections: Iterable[Projection], seconds: float
) -> None:
    """Shows it again and again until Ctrl-C, through times without an answer as well.

    On a terminal in place; with --json a line each time.
    """
    from rich.live import Live

    chosen, console = list(projections), stdout()
    if options.json or not console.is_terminal:
        _repeat(url, chosen, seconds, lambda found: _print(options, found))
        return
    with Live(console=console, auto_refresh=False) as live:
        _repeat(url, chosen, seconds, lambda found: live.update(_picture(found), refresh=True))


def _repeat(
    url: str, projections: list[Projection], seconds: float, show: Callable[[Status], None]
) -> None:
    pause = Event()
    while True:
        try:
            show(_look(url, projections))
        except StoreUnavailable as error:
            say(f"{error}; trying again")
        pause.wait(seconds)


def _look(url: str, projections: Iterable[Projection]) -> Status:
    from projections.monitor.status import status
    from projections.session import open_session

    with closing(open_session(url, part="status")) as conn:
        return status(conn, projections)


def _print(options: Options, found: Status) -> None:
    if options.json:
        print_json(_document(found), line=True)
    else:
        stdout().print(_picture(found))


def _document(found: Status) -> dict[str, Any]:
    from projections.monitor.advice import advice

    return asdict(found) | {"advice": [asdict(each) for each in advice(found)]}


def _picture(found: Status) -> RenderableType:
    from rich.console import Group
    from rich.text import Text

    from projections.monitor.advice import advice

    lines = [f"watermark  {found.watermark}"]
    if found.held_back_by is not None:
        lines.append(f"held back by  {_in_flight(found.held_back_by)}")
    lines += [f"! {each}" for each in advice(found)]
    rows = table((_row(each) for each in found.projections), _COLUMNS)
    return Group(rows, *(Text(line) for line in lines))


def _row(unit: ProjectionStatus) -> dict[str, str | int | None]:
    least = "≥ " if unit.lag_capped else ""
    since = f", of the events after {unit.starts_after}" if unit.starts_after else ""
    held = f"{unit.failed} failed, {unit.waiting} waiting" if unit.failed else None
    return {
        "projection": unit.name,
        "state": unit.state,
        "position": f"{unit.position}{since}",
        "lag": f"{least}{unit.lag_events:,} events, {unit.lag_seconds:.1f} s",
        "rate": f"{unit.events_per_second:,.0f}/s",
        "caught_up_in": None if unit.eta_seconds is None else _duration(unit.eta_seconds),
        "failures": held,
        "hooks": ", ".join(map(_hook, unit.hooks)) or None,
        "holder": unit.holder,
        "heartbeat": unit.holder and f"{unit.heartbeat_seconds:.1f} s ago",
    }


def _hook(hook: HookStatus) -> str:
    behind = hook.lag_events + hook.late
    return f"{hook.hook} {'fails, ' if hook.attempts else ''}{behind:,} behind"


def _duration(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02} min" if hours else f"{minutes} min {rest:02} s"


def _in_flight(append: InFlight) -> str:
    who = append.prepared or (
        f"pid {append.pid} ({append.login}, {append.application}, {append.state})"
    )
    return f"an append in flight since {append.began_at}: {who}"
