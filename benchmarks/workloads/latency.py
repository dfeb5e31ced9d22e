"""From an append to its row in a read model, with the projector in another process."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from itertools import islice
from statistics import quantiles
from time import perf_counter, sleep
from typing import Final
from uuid import UUID, uuid4

from benchmarks.engine import daemons
from benchmarks.measure import Aim, Outcome, Plan, Series
from benchmarks.pacing import Paced
from benchmarks.peers import PEERS
from benchmarks.sandbox import Sandbox
from eventstore import NO_STREAM, EventStore
from eventstore.connection.database import Connection, connect
from eventstore.connection.prepared import Prepared
from eventstore.connection.queries import load
from eventstore.connection.session import Session
from eventstore.vocabulary.packaging import PackageRegistered
from projections.catalogue import PROJECTIONS

__all__ = ["latency"]

_SQL: Final = load("benchmarks.sql", "latency.sql")
_PATIENCE: Final = 30.0
"""Seconds until a row that does not come is an error."""
_LOOK_AT_PACE: Final = 0.002
"""Seconds between two looks at a steady pace, where looking must not take what it measures."""
_LOOKED_FOR: Final = 32
"""Rows of one look at a steady pace: the oldest, for they come in the order of their appends."""
_PAUSES: Final = tuple(milliseconds / 1000 for milliseconds in (0, 3, 7, 13, 29, 61))
"""Between two appends, in turn: the projector is met awake, drowsy and asleep."""
_PACE: Final = 500
"""Events a second."""


def latency(sandbox: Sandbox, plan: Plan, tell: Callable[[str], None]) -> Iterator[Outcome]:
    """Median and 99th percentile of every round: of single appends, and at a steady pace."""
    peer, database, plain = PEERS[0], sandbox.database(), sandbox.plain_database()
    peer.require()
    with (
        daemons(database.url, PROJECTIONS, 1),
        closing(connect(database.url, role="auditor", tenant="default")) as reader,
    ):
        with (
            EventStore.open(database.url) as store,
            peer.appending(plain) as theirs,
            peer.following(plain),
            closing(Session.connect(plain, autocommit=True)) as beside,
        ):
            visible = Prepared(reader, "row_visible", _SQL["row_visible"])

            def ours(package: UUID) -> None:
                event = PackageRegistered(
                    package_id=package, name=str(package), version="1.0", publisher="bench"
                )
                store.append(
                    f"package-{package}", [event], expected_version=NO_STREAM, agent="writer"
                )

            _one(ours, visible)  # once the projector is there
            _await_table(beside)
            visible_beside = Prepared(beside, "row_of_peer_visible", _SQL["row_of_peer_visible"])
            _one(theirs.register, visible_beside)
            yield from _single(
                {
                    "append to row": (ours, visible),
                    peer.label: (theirs.register, visible_beside),
                },
                plan,
                tell,
            )

        title = f"append to row at {_PACE} events/s"
        percentiles = []
        for number in range(1, plan.rounds + 1):
            tell(f"round {number} of {plan.rounds}: {title}")
            percentiles.append(_percentiles(_paced(database.url, reader, number, plan.seconds * 3)))
        middles, tails = zip(*percentiles, strict=True)
        yield Outcome(
            name="latency-paced",
            title=title,
            unit="ms",
            ours=(Series("median", middles), Series("99th percentile", tails)),
            aims=(Aim("median", "at most", 10.0), Aim("99th percentile", "at most", 40.0)),
        )


def _single(
    sides: Mapping[str, tuple[Callable[[UUID], None], Prepared]],
    plan: Plan,
    tell: Callable[[str], None],
) -> Iterator[Outcome]:
    """The median and the 99th percentile of ours, each beside the peer's of the same round."""
    found: dict[str, list[tuple[float, float]]] = {label: [] for label in sides}
    for number in range(1, plan.rounds + 1):
        for label, (append, visible) in sides.items():
            tell(f"round {number} of {plan.rounds}: {label}")
            taken = []
            for at in range(plan.appends):
                sleep(_PAUSES[at % len(_PAUSES)])
                taken.append(_one(append, visible))
            found[label].append(_percentiles(taken))
    for which, (name, title, most) in enumerate(
        (("latency", "median", 2.5), ("latency-tail", "99th percentile", 8.0))
    ):
        ours, beside = (
            Series(label, tuple(each[which] for each in percentiles))
            for label, percentiles in found.items()
        )
        yield Outcome(
            name=name,
            title=f"append to row, {title}",
            unit="ms",
            ours=(ours,),
            beside=(beside,),
            beside_are="peer",
            aims=(Aim(ours.label, "at most", most),),
        )


def _percentiles(taken: list[float]) -> tuple[float, float]:
    """The median and the 99th percentile."""
    percentiles = quantiles(taken, n=100, method="inclusive")
    return percentiles[49], percentiles[98]


def _await_table(connection: Session) -> None:
    """Until the peer's projector has made the table of its read model."""
    until = perf_counter() + _PATIENCE
    while not (connection.execute(_SQL["table_of_peer"]).fetchone() or (False,))[0]:
        if perf_counter() > until:
            raise RuntimeError("the peer's projector makes no table")
        sleep(_LOOK_AT_PACE)


def _one(append: Callable[[UUID], None], visible: Prepared) -> float:
    """Milliseconds from before the append of a package until its row is there.

    It is looked for without a pause: what looking takes is in what is measured, so that is as
    little as it can be.
    """
    package = uuid4()
    began = perf_counter()
    append(package)
    while visible([str(package).encode()]) is None:
        if perf_counter() - began > _PATIENCE:
            raise RuntimeError(f"no row after {_PATIENCE:.0f} s")
    return (perf_counter() - began) * 1000


def _paced(url: str, reader: Connection, number: int, seconds: float) -> list[float]:
    """Milliseconds of each event, from the moment it was due until its row was seen.

    From the moment it was due, not from the call: an append that had to wait for the one before
    it has been waited for, too. The rows that are due and not yet seen are looked up by key in one
    query; how often is what a value may be too large by.
    """
    taken: list[float] = []
    with Paced(url, number, _PACE, round(_PACE * seconds)) as appender:
        waiting: dict[UUID, float] = {}
        while waiting or not appender.all_due():
            waiting |= appender.newly_due()
            seen = _visible(reader, list(islice(waiting, _LOOKED_FOR)))
            now = perf_counter()
            taken += [(now - waiting.pop(package_id)) * 1000 for package_id in seen]
            if waiting and now - next(iter(waiting.values())) > _PATIENCE:
                raise RuntimeError(f"no row after {_PATIENCE:.0f} s")
            if len(seen) < _LOOKED_FOR:
                sleep(_LOOK_AT_PACE)
    return taken


def _visible(reader: Connection, ids: list[UUID]) -> list[UUID]:
    """Which of the packages have a row."""
    arguments = {"tenant": "default", "ids": ids}
    return [row[0] for row in reader.execute(_SQL["rows_visible"], arguments)]
