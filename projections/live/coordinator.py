"""Decides what a daemon takes and gives back.

Every daemon decides for itself, from the same rows and by the same rule, so none has to be asked,
and none is missed when it dies.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from threading import Event as Signal
from time import monotonic
from typing import Final

from eventstore.errors import EventStoreError, StoreUnavailable
from eventstore.reading.read import watermark
from projections.apply.failures import failures
from projections.checkpoint import Held, acquire
from projections.errors import LeaseLost, ProjectionPaused, RulesDiffer
from projections.live.membership import Member, Seen, Unit, leave, look, name_daemon
from projections.live.observer import Observer
from projections.live.spread import spread
from projections.live.tail import Tail
from projections.live.worker import Worker
from projections.log import LOG
from projections.projection import Projection
from projections.session import Connection, open_session

__all__ = ["Coordinator"]

_GLANCE: Final = 0.02
"""Seconds between two glances at whether to stop, or whether a worker has ended."""
_UNSETTLED: Final = 0.2
"""Seconds between two looks at the rows while something is about to change hands."""
_SHARE_OF_LEASE: Final = 5
"""So many signs of life fit into a lease."""
_FIRST_PAUSE, _LONGEST_PAUSE = 0.05, 2.0
"""Seconds between two tries to reach a server that is away, at first and in the end."""


class Coordinator:
    """Holds this daemon's share of the shards of some projections, a worker for each.

    With `until_caught_up` it takes what is free, unknown to the others, and ends when all have
    reached the watermark of its beginning, whoever brought them there, or can't: one that is paused
    under another holder waits for somebody. What is there already it takes once too: events that
    are held may be due, and hooks may be behind. Without it the coordinator ends only when it is
    told to: what has failed may be put right by somebody else, and is then taken up again.
    """

    def __init__(
        self,
        url: str,
        projections: Sequence[Projection],
        tail: Tail,
        observer: Observer,
        *,
        until_caught_up: bool,
        lease_seconds: float,
        batch: int,
        max_failures: int,
        revive: Callable[[], None],
    ) -> None:
        self._url, self._tail, self._observer, self._revive = url, tail, observer, revive
        self._lease_seconds, self._batch, self._max_failures = lease_seconds, batch, max_failures
        self._rules = {(each.name, each.version): each for each in projections}
        self._runs: dict[str, set[int]] = {}
        for name, number in self._rules:
            self._runs.setdefault(name, set()).add(number)
        self._id = name_daemon()
        self._until_caught_up = until_caught_up
        self._target: int | None = None
        self._workers: dict[Unit, Worker] = {}
        self._taken: set[Unit] = set()
        self._others: dict[Unit, str] = {}
        """Who else was seen to hold what this daemon could run."""
        self._gave_up: dict[Unit, int] = {}
        """With the fencing token under which it failed here."""
        self.failures: dict[str, Exception] = {}
        """What can't go on here, by projection."""

    def run(self, stop: Signal) -> None:
        """Returns when it was stopped, or has caught up; all leases are then given back."""
        try:
            self._run(stop)
        finally:
            self._end()
            self._observer.pulse.end()

    def _run(self, stop: Signal) -> None:
        pause = _FIRST_PAUSE
        while not stop.is_set():
            self._observer.pulse.beat()
            try:
                with closing(open_session(self._url, part="daemon")) as conn:
                    if self._until_caught_up and self._target is None:
                        self._target = watermark(conn)
                    while not stop.is_set():
                        self._observer.pulse.beat()
                        settled = self._look(conn)
                        pause = _FIRST_PAUSE
                        if settled and self._target is not None:
                            return
                        self._wait(stop, settled)
            except StoreUnavailable as error:
                LOG.warning("connection lost", reason=error.reason, retry_in=pause)
                stop.wait(pause)
                pause = min(pause * 2, _LONGEST_PAUSE)
                self._revive()

    def _wait(self, stop: Signal, settled: bool) -> None:
        pause = self._lease_seconds / _SHARE_OF_LEASE
        until = monotonic() + (pause if settled else min(pause, _UNSETTLED))
        while monotonic() < until and all(worker.alive for worker in self._workers.values()):
            self._observer.pulse.beat()
            if stop.wait(min(_GLANCE, pause)):
                return

    def _look(self, conn: Connection) -> bool:
        """Takes and gives back what is due; whether all is as it should be."""
        self._bury()
        join = self._target is None
        me = Member(self._id, self._runs, frozenset(map(str, self._gave_up)))
        leases = [worker.lease for worker in self._workers.values()]
        members, seen = look(conn, me, leases, seconds=self._lease_seconds, join=join)
        for name in self._runs.keys() - {unit.projection for unit in seen}:
            seen[Unit(name, 0)] = Seen.of_one_that_never_ran(max(self._runs[name]))
        plan = _plan(members if join else [me], seen)
        moving = self._give_back(seen, plan)
        for unit, one in seen.items():
            ours = plan.get(unit) == self._id and unit not in self._workers
            done = unit in self._taken and self._reached(one)
            if ours and one.holder is None and not done:
                self._take(conn, unit, one)
        self._judge(seen)
        if not join:
            left = {
                unit: one
                for unit, one in seen.items()
                if unit.projection in self._runs and not self._reached(one)
            }
            if self._workers or not all(self._hopeless(unit, one) for unit, one in left.items()):
                return False
            for unit, one in left.items():
                if _paused_elsewhere(one):
                    self._fail(unit, self._why_paused(conn, unit, one))
            return True
        alive = {member.id for member in members}
        return not moving and all(
            one.holder in alive if one.holder is not None else unit not in plan
            for unit, one in seen.items()
            if unit not in self._workers
        )

    def _bury(self) -> None:
        """Forgets workers that have ended, and remembers why."""
        for unit, worker in list(self._workers.items()):
            if not worker.alive:
                worker.join()
                del self._workers[unit]
                if worker.error is not None:
                    self._give_up(unit, worker.lease.fencing_token, worker.error)

    def _give_back(self, seen: dict[Unit, Seen], plan: dict[Unit, str]) -> bool:
        """Stops the workers whose unit is due to another, or is lost; whether there are any."""
        moving = False
        for unit, worker in self._workers.items():
            one = seen.get(unit)
            lost = (
                one is None
                or one.fencing_token != worker.lease.fencing_token
                or one.state not in ("running", "paused")
            )
            if lost or plan.get(unit) != self._id:
                worker.stop()
                moving = True
        return moving

    def _take(self, conn: Connection, unit: Unit, one: Seen) -> None:
        rules = self._rules[unit.projection, one.projection_version]
        seconds = self._lease_seconds
        try:
            got = acquire(conn, rules, shard=unit.shard, seconds=seconds, holder=self._id)
        except (LeaseLost, RulesDiffer):
            return  # there is no such shard any more, or the next look shows whose rules it needs
        except StoreUnavailable:
            raise
        except EventStoreError as error:
            self._give_up(unit, one.fencing_token, error)
            return
        if isinstance(got, Held):
            return
        self.failures.pop(unit.projection, None)
        worker = Worker(
            self._url,
            rules,
            got,
            self._tail,
            self._observer,
            batch=self._batch,
            target=self._target,
            max_failures=self._max_failures,
        )
        self._workers[unit] = worker
        self._taken.add(unit)
        worker.start()

    def _give_up(self, unit: Unit, fencing_token: int, error: Exception) -> None:
        self._gave_up[unit] = fencing_token
        self._fail(unit, error)

    def _fail(self, unit: Unit, error: Exception) -> None:
        self.failures[unit.projection] = error
        LOG.error("failed", projection=unit.projection, shard=unit.shard, error=str(error))

    def _judge(self, seen: dict[Unit, Seen]) -> None:
        """Takes heart again where somebody else put things right; names rules that don't fit."""
        for unit, one in seen.items():
            if one.state == "stopped" and one.fencing_token > self._gave_up.get(unit, 2**63):
                del self._gave_up[unit]
            known = self._runs.get(unit.projection)
            if known and one.holder not in (None, self._id, self._others.get(unit)):
                self._others[unit] = str(one.holder)
                LOG.info("standby", projection=unit.projection, shard=unit.shard, holder=one.holder)
            if known and one.projection_version not in known:
                differ = RulesDiffer(unit.projection, one.projection_version, max(known))
                if str(self.failures.get(unit.projection)) != str(differ):
                    self._fail(unit, differ)

    def _reached(self, one: Seen) -> bool:
        ever_ran = one.fencing_token > 0
        return self._target is not None and ever_ran and one.position >= self._target

    def _hopeless(self, unit: Unit, one: Seen) -> bool:
        return (
            unit in self._gave_up
            or one.projection_version not in self._runs[unit.projection]
            or _paused_elsewhere(one)
        )

    def _why_paused(self, conn: Connection, unit: Unit, one: Seen) -> ProjectionPaused:
        found = failures(conn, [self._rules[unit.projection, one.projection_version]])
        waiting = sum(each.waiting for each in found)
        return ProjectionPaused(unit.projection, len(found), len(found) + waiting)

    def _end(self) -> None:
        for worker in self._workers.values():
            worker.stop()
        for worker in self._workers.values():
            worker.join()
        self._bury()
        if self._target is None:
            try:
                with closing(open_session(self._url, part="daemon")) as conn:
                    leave(conn, self._id)
            except StoreUnavailable as error:
                # The others will notice by the silence.
                LOG.warning("could not sign off", reason=error.reason)


def _paused_elsewhere(one: Seen) -> bool:
    """Whether it waits for somebody to deal with its failures, under another holder."""
    return one.holder is not None and one.state == "paused"


def _plan(members: Sequence[Member], seen: Mapping[Unit, Seen]) -> dict[Unit, str]:
    """Which daemon should have which unit."""
    alive = {member.id for member in members}
    # What anybody else holds, such as a command that changes the shards, is not for us to share.
    shared = {unit: one for unit, one in seen.items() if one.holder is None or one.holder in alive}
    return spread(
        {unit: one.holder for unit, one in shared.items()},
        {
            member.id: {unit for unit, one in shared.items() if member.able(unit, one)}
            for member in members
        },
    )
