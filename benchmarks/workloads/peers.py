"""Projection runners of other event stores, beside ours, on the same server in the same rounds."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Final

from benchmarks.engine import rebuild_once
from benchmarks.filling import HistoryLog
from benchmarks.history import FIRST_COPY
from benchmarks.measure import Aim, Outcome, Plan, Series, take_turns
from benchmarks.packages import PackageHistories, PackageHistoriesInSql, ReleasePackaged
from benchmarks.peers import PEERS, Peer, releases
from benchmarks.sandbox import Sandbox
from eventstore import Append

__all__ = ["peers"]

_KEYS: Final = 10_000
_TIMES: Final = 50
"""How many times as many events ours folds, beside as many: its start is most of so few."""
_BEST: Final = 50.0


def peers(sandbox: Sandbox, plan: Plan, tell: Callable[[str], None]) -> Iterator[Outcome]:
    """One outcome, in which the best peer stands first."""
    for peer in PEERS:
        peer.require()
    events = plan.peer_events
    keys = min(_KEYS, events // 2)
    sides: dict[str, Callable[[], float]] = {}
    for peer in PEERS:
        tell(f"{peer.label} appends {events:,} events")
        filled = sandbox.plain_database()
        peer.fill(filled, keys, events)
        sides[peer.label] = partial(_projected, sandbox, peer, filled, events)
    for length in (events, events * _TIMES):
        tell(f"appending {length:,} events")
        log = HistoryLog(sandbox.database(), partial(_releases, keys))
        log.grow_to(length)
        sides[f"ours, {length:,} events"] = partial(_rebuilt, log, PackageHistories())
    # The longer log once more, by the fold that the same projection states in SQL.
    sides[f"ours, fold in SQL, {length:,} events"] = partial(_rebuilt, log, PackageHistoriesInSql())
    found = take_turns(min(plan.rounds, 3), sides, tell)
    theirs, ours = found[: len(PEERS)], found[len(PEERS) :]
    yield Outcome(
        name="peers",
        title=f"{events:,} events of {keys:,} packages",
        unit="events/s",
        ours=ours,
        beside=tuple(sorted(theirs, key=_middle, reverse=True)),
        beside_are="peer",
        aims=tuple(Aim(one.label, "ratio at least", _BEST) for one in ours[1:]),
    )


def _middle(series: Series) -> float:
    return series.middle


def _projected(sandbox: Sandbox, peer: Peer, filled: str, events: int) -> float:
    """Events a second of a peer's runner, from the first event on."""
    return events / peer.project(sandbox.copy(filled))


def _rebuilt(log: HistoryLog, projection: PackageHistories) -> float:
    return rebuild_once(log.database.url, projection).rate


def _releases(keys: int, events: int) -> Iterator[list[Append]]:
    """The same facts for our store."""
    for package, release in releases(keys, events):
        name = f"{FIRST_COPY}{package}"
        said = ReleasePackaged(package=name, commit="", subject="", release=release)
        yield [Append(f"package-{name}", [said], agent="bench")]
