"""Whether a daemon is alive, and whether it is fit for its work: two questions, two answers.

One that can't reach its database is alive, since a restart would not help it, and not fit.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from projections.monitor.advice import advice, missing_partitions
from projections.monitor.look import Looker
from projections.monitor.pulse import Pulse
from projections.monitor.status import ProjectionStatus

__all__ = ["STUCK_SECONDS", "Health"]

STUCK_SECONDS: Final = 120.0
"""Seconds without a sign of progress after which a thread hangs: twice the limit of a statement."""

_UNFIT: Final = ("failed", "paused", "outdated", "stalled")


@dataclass(frozen=True, slots=True)
class Health:
    """Answers as (is it so, the facts)."""

    looker: Looker
    pulse: Pulse
    leases: dict[tuple[str, int], Any]
    """What this process holds: by projection and shard."""

    def alive(self) -> tuple[bool, dict[str, Any]]:
        """Every thread goes round its loop."""
        stuck = self.pulse.stuck(STUCK_SECONDS)
        reasons = [f"{name} made no progress for {at:.0f} s" for name, at in stuck.items()]
        return not reasons, {"alive": not reasons, "reasons": reasons}

    def ready(self) -> tuple[bool, dict[str, Any]]:
        """The database answers, has this code's schema, and what should run here runs.

        It is this process's business too that the log has partitions ahead.
        """
        held = sorted(f"{projection}/{shard}" for projection, shard in self.leases)
        found = self.looker.look()
        if found.status is None:
            reasons = [f"{type(found.error).__name__}: {found.error}"]
        else:
            unfit = [unit.name for unit in found.status.projections if self._is_unfit(unit)]
            reasons = [str(each) for each in advice(found.status) if each.about in unfit]
            reasons += map(str, missing_partitions(found.status))
        return not reasons, {"ready": not reasons, "holds": held, "reasons": reasons}

    def _is_unfit(self, unit: ProjectionStatus) -> bool:
        """Whether it is for this process to run, and does not run as it should.

        What another process holds is that one's business.
        """
        ours = (unit.projection, unit.shard) in self.leases or unit.holder is None
        return unit.build == "live" and ours and unit.state in _UNFIT
