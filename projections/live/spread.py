"""Who should run which shard: a fair share for each daemon, whatever it is able to run."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Mapping
from typing import TypeVar

__all__ = ["spread"]

U = TypeVar("U")


def spread(holders: Mapping[U, str | None], able: Mapping[str, Collection[U]]) -> dict[U, str]:
    """For each unit of work the daemon that should have it, of those that are able to run it.

    `holders` says who has it now, None for nobody. Every daemon computes this for itself from the
    same rows, so it depends on nothing else: the same input gives the same plan. A unit stays where
    it is unless moving it, or a chain of units, takes one from a daemon that has at least two more
    than the one that gets one. No plan is more even than one where no such chain is left (Harvey
    et al., Semi-matchings for bipartite graphs, 2006). What nobody is able to run is left out.
    """
    daemons = sorted(able)
    plan: dict[U, str] = {}
    load = dict.fromkeys(daemons, 0)
    for unit, holder in holders.items():
        if holder is not None and unit in able.get(holder, ()):
            plan[unit] = holder
            load[holder] += 1
    units = sorted(holders, key=str)
    for unit in units:
        candidates = [daemon for daemon in daemons if unit in able[daemon]]
        if unit not in plan and candidates:
            plan[unit] = min(candidates, key=load.__getitem__)
            load[plan[unit]] += 1
    while chain := _chain(plan, load, units, daemons, able):
        for unit, daemon in chain:
            load[plan[unit]] -= 1
            plan[unit] = daemon
            load[daemon] += 1
    return plan


def _chain(
    plan: Mapping[U, str],
    load: Mapping[str, int],
    units: list[U],
    daemons: list[str],
    able: Mapping[str, Collection[U]],
) -> list[tuple[U, str]]:
    """The shortest chain of moves from a daemon with much to one with little; empty for none."""
    for first in sorted(daemons, key=lambda daemon: -load[daemon]):
        came_by: dict[str, tuple[U, str] | None] = {first: None}
        queue = deque([first])
        while queue:
            daemon = queue.popleft()
            if load[daemon] <= load[first] - 2:
                return _way_to(daemon, came_by)
            for unit in units:
                if plan.get(unit) == daemon:
                    for other in daemons:
                        if other not in came_by and unit in able[other]:
                            came_by[other] = (unit, daemon)
                            queue.append(other)
    return []


def _way_to(daemon: str, came_by: Mapping[str, tuple[U, str] | None]) -> list[tuple[U, str]]:
    moves: list[tuple[U, str]] = []
    while (step := came_by[daemon]) is not None:
        unit, giver = step
        moves.append((unit, daemon))
        daemon = giver
    return moves
