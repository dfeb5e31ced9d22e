"""What to do about what `status` shows: a line for each thing that is wrong."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from projections.monitor.status import HookStatus, InFlight, ProjectionStatus, Status

__all__ = ["Advice", "advice", "missing_partitions"]

_LONG: Final = 5.0
"""Seconds after which what is usual for a moment is worth a word."""
_MAKE_THEM: Final = (
    "`eventstore partitions ensure`, and see why no daemon did it (its log says `upkeep of the log "
    "failed`)"
)


@dataclass(frozen=True, slots=True)
class Advice:
    """One thing that is wrong, and what mends it."""

    about: str
    problem: str
    cure: str

    def __str__(self) -> str:
        return f"{self.about} {self.problem}: {self.cure}"


def advice(found: Status) -> list[Advice]:
    """Everything that needs somebody, the projections in their order first."""
    return [
        *(each for unit in found.projections for each in _unit(unit)),
        *(each for unit in found.projections for hook in unit.hooks for each in _hook(unit, hook)),
        *(_held_back(found.held_back_by) if found.held_back_by is not None else ()),
        *missing_partitions(found),
    ]


def missing_partitions(found: Status) -> Iterator[Advice]:
    """The alarm: soon there would be nowhere to put events."""
    if missing := found.log.missing_partitions:
        yield Advice("the log", f"lacks partitions: {', '.join(missing)}", _MAKE_THEM)


def _unit(unit: ProjectionStatus) -> Iterator[Advice]:
    name, error = unit.projection, (unit.last_error or {}).get("error", "no error was kept")
    if unit.build != "live":
        if unit.state in ("failed", "stopped", "stalled"):
            cure = f"`eventstore projections rebuild {name}` begins or resumes it"
            yield Advice(unit.name, f"is {unit.state}", cure)
        return
    if unit.state == "failed":
        cure = f"mend what it says, then start `eventstore projections run {name}` again"
        yield Advice(unit.name, f"failed: {error}", cure)
    elif unit.state == "paused":
        cure = f"`eventstore projections failures list {name}`, then retry or discard some"
        yield Advice(unit.name, f"is paused: {error}", cure)
    elif unit.state == "outdated":
        theirs, ours = unit.projection_version, unit.code_version
        newer = "run a newer release of this code"
        cure = f"`eventstore projections rebuild {name}`" if theirs < ours else newer
        yield Advice(unit.name, f"has rows of version {theirs}, this code has {ours}", cure)
    elif unit.state == "stalled":
        problem = f"is stalled: {unit.holder} was last heard of {unit.heartbeat_seconds:.0f} s ago"
        yield Advice(unit.name, problem, f"see to it, or `eventstore projections run {name}`")
    elif unit.holder is None and unit.lag_events > 0:
        yield Advice(unit.name, "is run by nobody", f"`eventstore projections run {name}`")
    if unit.failed and unit.state != "paused":
        problem = f"holds {unit.failed} failed events, and {unit.waiting} that wait for them"
        yield Advice(unit.name, problem, f"`eventstore projections failures list {name}`")


def _hook(unit: ProjectionStatus, hook: HookStatus) -> Iterator[Advice]:
    about = f"hook {hook.hook} of {unit.name}"
    if hook.attempts:
        error = (hook.last_error or {}).get("error", "no error was kept")
        again = f"it is tried again in {hook.retry_seconds or 0.0:.0f} s; mend what it says"
        yield Advice(about, f"has failed {hook.attempts} times in a row: {error}", again)
    elif unit.holder is not None and hook.lag_events and hook.lag_seconds > _LONG:
        problem = f"is {hook.lag_seconds:.0f} s behind"
        cure = (
            f"it is slow or hangs in a call (see the metric eventstore_hook_call_seconds), or "
            f"{unit.holder} does not have it; if it is gone for good, "
            f"`eventstore projections hooks forget {unit.projection} {hook.hook}`"
        )
        yield Advice(about, problem, cure)


def _held_back(append: InFlight) -> Iterator[Advice]:
    if (append.seconds or 0.0) < _LONG:
        return
    if append.prepared is not None:
        about, cure = (
            f"prepared append {append.prepared}",
            "COMMIT PREPARED or ROLLBACK PREPARED it",
        )
    else:
        about = f"append of pid {append.pid} ({append.login}, {append.application}, {append.state})"
        cure = f"it ends by itself, or by SELECT pg_terminate_backend({append.pid})"
    yield Advice(about, f"has held all readers back for {append.seconds:.0f} s", cure)
