"""Between a projection and its tables: who writes them, how they are made and exchanged."""

from __future__ import annotations

from projections.errors.base import ProjectionError

__all__ = [
    "CompareRefused",
    "FoldNotStated",
    "LeaseHeld",
    "LeaseLost",
    "NoOldBuild",
    "NotInstalled",
    "RebuildRefused",
    "ReshardRefused",
    "RulesDiffer",
    "ShardsDiffer",
    "SqlRefused",
    "SwitchRefused",
    "TablesNotMade",
    "WorkerLost",
]


class LeaseLost(ProjectionError):
    """`projection` is held by another projector (fencing token moved on); nothing was written."""

    def __init__(self, projection: str, fencing_token: int) -> None:
        self.projection, self.fencing_token = projection, fencing_token
        super().__init__(
            f"projection {projection}: the lease with fencing token {fencing_token} is lost; "
            "another projector goes on from the last checkpoint"
        )


class LeaseHeld(ProjectionError):
    """`holder` is at `work` already; its last sign of life was `silent_seconds` ago.

    A holder that died is followed after `lease_seconds` without a sign of life.
    """

    exit_code = 5

    def __init__(self, work: str, holder: str, silent_seconds: float, lease_seconds: float) -> None:
        self.work, self.holder = work, holder
        self.silent_seconds, self.lease_seconds = silent_seconds, lease_seconds
        super().__init__(
            f"{work} is held by {holder}, last heard of {silent_seconds:.1f} s ago; wait for it, "
            f"or, if it is dead, until {lease_seconds:.0f} s have passed"
        )


class RulesDiffer(ProjectionError):
    """The rows of `projection` were made by version `found` of its rules, this code has `ours`."""

    def __init__(self, projection: str, found: int, ours: int) -> None:
        self.projection, self.found, self.ours = projection, found, ours
        cure = (
            f"run `eventstore projections rebuild {projection}`"
            if found < ours
            else "run a newer release of this code"
        )
        super().__init__(
            f"projection {projection} holds rows of projection_version {found}, "
            f"this code has {ours}: {cure}"
        )


class ShardsDiffer(ProjectionError):
    """The shards of `projection` are by the field `found`, this code would divide by `ours`."""

    def __init__(self, projection: str, found: str | None, ours: str | None) -> None:
        self.projection, self.found, self.ours = projection, found, ours
        super().__init__(
            f"projection {projection} is divided by {found or 'some field'}, this code says "
            f"shard_by {ours}: with a release that says {found or 'which'}, run "
            f"`eventstore projections reshard {projection} --shards 1`, then go on with this one"
        )


class RebuildRefused(ProjectionError):
    """`projection` was not rebuilt, its live tables are as they were; `reason` says why."""

    def __init__(self, projection: str, reason: str) -> None:
        self.projection, self.reason = projection, reason
        super().__init__(f"projection {projection} was not rebuilt: {reason}")


class NotInstalled(ProjectionError):
    """`projection` has no tables in this database; its first rebuild makes them."""

    def __init__(self, projection: str) -> None:
        self.projection = projection
        super().__init__(
            f"projection {projection} has no tables yet: "
            f"run `eventstore projections rebuild {projection}`, which makes and fills them"
        )


class TablesNotMade(ProjectionError):
    """What `file` makes is not what the rules of `projection` fill; `reason` says where."""

    exit_code = 5

    def __init__(self, projection: str, file: str, reason: str) -> None:
        self.projection, self.file, self.reason = projection, file, reason
        super().__init__(f"the tables of projection {projection}, {file}: {reason}")


class FoldNotStated(ProjectionError):
    """`file` does not state the fold of `projection` in SQL, as its class says; see `reason`."""

    exit_code = 5

    def __init__(self, projection: str, file: str, reason: str) -> None:
        self.projection, self.file, self.reason = projection, file, reason
        super().__init__(f"the fold of projection {projection} in SQL, {file}: {reason}")


class SqlRefused(ProjectionError):
    """The fold of `projection` in SQL does not take the events in `after` < position <= `until`.

    It is for the rules to say which of them, and why.
    """

    def __init__(self, projection: str, after: int, until: int, reason: str) -> None:
        self.projection, self.after, self.until, self.reason = projection, after, until, reason
        super().__init__(
            f"projection {projection}, positions {after + 1} to {until}, in SQL: {reason}"
        )


class ReshardRefused(ProjectionError):
    """`projection` has the shards that it had; `reason` says why it can't get others."""

    exit_code = 5

    def __init__(self, projection: str, reason: str) -> None:
        self.projection, self.reason = projection, reason
        super().__init__(f"projection {projection} was not divided anew: {reason}")


class SwitchRefused(ProjectionError):
    """The builds of `projection` did not change places, all is as it was; `reason` says why."""

    exit_code = 5

    def __init__(self, projection: str, reason: str) -> None:
        self.projection, self.reason = projection, reason
        super().__init__(f"projection {projection} was not switched: {reason}")


class NoOldBuild(ProjectionError):
    """No rebuild of `projection` has replaced anything, or what it replaced was dropped."""

    exit_code = 3

    def __init__(self, projection: str) -> None:
        self.projection = projection
        super().__init__(f"projection {projection} has no old build: nothing to switch back to")


class WorkerLost(ProjectionError):
    """A process that worked on `task` died with `exit_status` (negative: the signal)."""

    def __init__(self, task: str, exit_status: int) -> None:
        self.task, self.exit_status = task, exit_status
        super().__init__(
            f"a process that worked on {task} died (exit status {exit_status}; -9 often says that "
            "memory ran out); what a rebuild had written is kept: run it again to go on"
        )


class CompareRefused(ProjectionError):
    """`projection` was not compared with `other`; `reason` says why."""

    exit_code = 5

    def __init__(self, projection: str, other: str, reason: str) -> None:
        self.projection, self.other, self.reason = projection, other, reason
        super().__init__(f"projection {projection} can't be compared with {other}: {reason}")
