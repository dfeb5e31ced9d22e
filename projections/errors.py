"""What can go wrong between an event and its rows.

ProjectionError (an EventStoreError)
├── EventNotApplied    a projection can't apply an event, which is held, or ends a test
├── NotHeld            the projection holds no event at that position
├── WaitsForAnother    the event is held, but only because another one failed
├── NotTried           whoever holds the projection has not tried the events again in time
├── ProjectionPaused   so much is held that the projection goes no further
├── TooMuchHeld        so few events can be applied that a verification or comparison is no use
├── MissingRow         the event needs a row that no earlier event made
├── RowExists          the event makes a row that is there already
├── IllegalTransition  the event moves a row where its rules do not allow
├── Contradiction      the event says of a row what is not so
├── Unstorable         a row has a value that has no form in JSON
├── KeyNotNamed        a handler asked for a row that its event does not name (a bug in it)
├── LeaseLost          another projector holds the projection now; nothing was written
├── LeaseHeld          another process is at the same work
├── RulesDiffer        the rows were made by another version of the rules
├── ShardsDiffer       the events were divided by another field than these rules name
├── RebuildRefused     the tables can't be rebuilt beside the live ones
├── NotInstalled       the projection has no tables yet
├── TablesNotMade      the SQL file of a projection doesn't make the tables that its rules fill
├── FoldNotStated      the file in which a projection states its fold in SQL states nothing
├── SqlRefused         the fold in SQL does not take some events; the rules are asked
├── NotLoaded          another package's projection can't be loaded
├── ReshardRefused     a projection can't be divided into that many shards now
├── SwitchRefused      a build can't change places with the live one
├── NoOldBuild         there is no old build
├── WorkerLost         a process that folds a shard died
├── RulesNotFound      the rules to compare with can't be loaded
├── CompareRefused     the rules can't be compared with the live tables
├── UnknownProjection  no projection of that name
├── UnknownVersion     the projection has no such version here
├── UnknownTable       no projection has a table of that name
├── UnknownHook        no hook of that name was ever told anything
├── HookFailed         a hook raised an error; it is tried again for ever
├── HookRefused        what is registered as a hook is none that can be run
├── UnknownColumn      the table has no column of that name
└── NoSuchRow          the row did not exist at that moment
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from eventstore.errors import EventStoreError

__all__ = [
    "CompareRefused",
    "Contradiction",
    "EventNotApplied",
    "FoldNotStated",
    "HookFailed",
    "HookRefused",
    "IllegalTransition",
    "KeyNotNamed",
    "LeaseHeld",
    "LeaseLost",
    "MissingRow",
    "NoOldBuild",
    "NoSuchRow",
    "NotHeld",
    "NotInstalled",
    "NotLoaded",
    "NotTried",
    "ProjectionError",
    "ProjectionPaused",
    "RebuildRefused",
    "ReshardRefused",
    "RowExists",
    "RulesDiffer",
    "RulesNotFound",
    "ShardsDiffer",
    "SqlRefused",
    "SwitchRefused",
    "TablesNotMade",
    "TooMuchHeld",
    "UnknownColumn",
    "UnknownHook",
    "UnknownProjection",
    "UnknownTable",
    "UnknownVersion",
    "Unstorable",
    "WaitsForAnother",
    "WorkerLost",
]


class ProjectionError(EventStoreError):
    """The root of what projections raise."""


class EventNotApplied(ProjectionError):
    """Applying the event at `position` failed with `reason`; the live projection holds it."""

    def __init__(
        self, projection: str, position: int, event_type: str, reason: str, *, event_id: UUID
    ) -> None:
        self.projection, self.position = projection, position
        self.event_type, self.event_id, self.reason = event_type, event_id, reason
        super().__init__(
            f"projection {projection} can't apply {event_type} at position {position}: {reason}"
        )


class NotHeld(ProjectionError):
    """`projection` holds no event at `position`: it is applied, or not yet reached."""

    exit_code = 3

    def __init__(self, projection: str, position: int) -> None:
        self.projection, self.position = projection, position
        super().__init__(
            f"projection {projection} holds no event at position {position}; "
            f"see `eventstore projections failures list {projection}`"
        )


class WaitsForAnother(ProjectionError):
    """The event at `position` did not fail: it waits for the one at `behind`."""

    exit_code = 5

    def __init__(self, projection: str, position: int, behind: int) -> None:
        self.projection, self.position, self.behind = projection, position, behind
        super().__init__(
            f"the event at position {position} waits for the one at {behind}, which failed in "
            f"projection {projection}; deal with that one"
        )


class NotTried(ProjectionError):
    """`holder` has not tried the events at `positions` again within `seconds`; it still may."""

    def __init__(self, projection: str, positions: list[int], holder: str, seconds: float) -> None:
        self.projection, self.positions = projection, positions
        self.holder, self.seconds = holder, seconds
        super().__init__(
            f"projection {projection} is held by {holder}, which within {seconds:.0f} s has not "
            f"tried {', '.join(map(str, positions))} again; it is asked to, so look again later"
        )


class ProjectionPaused(ProjectionError):
    """`projection` goes no further: `failed` events failed, and `held` are held in all."""

    def __init__(self, projection: str, failed: int, held: int) -> None:
        self.projection, self.failed, self.held = projection, failed, held
        super().__init__(
            f"projection {projection} is paused: {failed:,} events failed and {held:,} are held "
            f"in all; see `eventstore projections failures list {projection}`, then cure the "
            f"cause and `... retry {projection} --all`, or discard, or rebuild"
        )


class TooMuchHeld(ProjectionError):
    """Of the rules of `projection`, `failed` events failed in one shard, and `held` wait in all.

    That is more than a verification or comparison keeps; `errors` are the first ones.
    """

    exit_code = 6

    def __init__(self, projection: str, failed: int, held: int, errors: Sequence[str]) -> None:
        self.projection, self.failed, self.held = projection, failed, held
        self.errors = tuple(errors)
        first = f"; the first: {errors[0]}" if errors else ""
        super().__init__(
            f"the rules of {projection} could not apply {failed:,} events of the log, and with "
            f"those that wait for them {held:,} are left out, so nothing was compared: mend the "
            f"rules, and try them on the first events with `given(...)` of projections.testing"
            f"{first}"
        )


class MissingRow(ProjectionError):
    """No row of `table` has that `key`: the event that makes it is not in the log before this."""

    def __init__(self, table: str, key: tuple[Any, ...]) -> None:
        self.table, self.key = table, key
        super().__init__(f"{table} has no row {_words(key)}")


class RowExists(ProjectionError):
    """A row of `table` with that `key` is there already."""

    def __init__(self, table: str, key: tuple[Any, ...]) -> None:
        self.table, self.key = table, key
        super().__init__(f"{table} already has the row {_words(key)}")


class IllegalTransition(ProjectionError):
    """A row of `table` can't go from `before` to `after`; the event says it was `claimed`."""

    def __init__(
        self, table: str, key: Any, before: str, after: str, claimed: str | None = None
    ) -> None:
        self.table, self.key, self.before, self.after = table, key, before, after
        self.claimed = claimed
        tail = f"; the event says that it was {claimed}" if claimed is not None else ""
        super().__init__(f"{table} {key} is {before} and so can't become {after}{tail}")


class Contradiction(ProjectionError):
    """The event says that `column` of a row is `claimed`, and it is `actual`."""

    def __init__(self, table: str, key: Any, column: str, actual: Any, claimed: Any) -> None:
        self.table, self.key, self.column = table, key, column
        self.actual, self.claimed = actual, claimed
        super().__init__(
            f"{table} {key}: the event says that {column} is {claimed}, and it is {actual}"
        )


class KeyNotNamed(ProjectionError):
    """A handler asked for a row that its event does not name, so nothing loaded it."""

    def __init__(self, table: str, key: Any, event_type: str) -> None:
        self.table, self.key, self.event_type = table, key, event_type
        super().__init__(
            f"{event_type} does not name the {table} row {key}; give the event a field that "
            "does, or add the field to the table's named_by"
        )


class Unstorable(ProjectionError):
    """A row has a value that the database could not be told; `reason` says which kind."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(f"a row can't be stored: {reason}")


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


class NotLoaded(ProjectionError):
    """The projection that another package declares as `entry_point` can't be used."""

    def __init__(self, entry_point: str, reason: str) -> None:
        self.entry_point, self.reason = entry_point, reason
        super().__init__(
            f"the entry point {entry_point} in eventstore.projections gives no projection: "
            f"{reason}; repair or uninstall the package that declares it"
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


class RulesNotFound(ProjectionError):
    """`name`, written module:Class, leads to no projection; `reason` says why."""

    exit_code = 3

    def __init__(self, name: str, reason: str) -> None:
        self.name, self.reason = name, reason
        super().__init__(f"no rules {name!r}: {reason}")


class CompareRefused(ProjectionError):
    """`projection` was not compared with `other`; `reason` says why."""

    exit_code = 5

    def __init__(self, projection: str, other: str, reason: str) -> None:
        self.projection, self.other, self.reason = projection, other, reason
        super().__init__(f"projection {projection} can't be compared with {other}: {reason}")


class UnknownProjection(ProjectionError):
    """No projection is called `name`."""

    exit_code = 3

    def __init__(self, name: str, known: list[str]) -> None:
        self.name, self.known = name, known
        super().__init__(f"no projection {name!r}; there are {', '.join(known)}")


class UnknownVersion(ProjectionError):
    """`projection` is known, with other versions of its rules than `projection_version`."""

    exit_code = 3

    def __init__(self, projection: str, projection_version: int, known: list[int]) -> None:
        self.projection, self.projection_version = projection, projection_version
        self.known = known
        super().__init__(
            f"projection {projection} has no projection_version {projection_version} here; "
            f"there are {', '.join(map(str, known))}"
        )


class UnknownTable(ProjectionError):
    """No projection builds a table called `name`."""

    exit_code = 3

    def __init__(self, name: str, known: list[str]) -> None:
        self.name, self.known = name, known
        super().__init__(f"no table {name!r}; there are {', '.join(known)}")


class UnknownColumn(ProjectionError):
    """`table` has no column called `name`."""

    exit_code = 3

    def __init__(self, table: str, name: str, known: list[str]) -> None:
        self.table, self.name, self.known = table, name, known
        super().__init__(f"{table} has no column {name!r}; there are {', '.join(known)}")


class UnknownHook(ProjectionError):
    """No hook of `projection` is called `name`: none was ever run under that name."""

    exit_code = 3

    def __init__(self, projection: str, name: str) -> None:
        self.projection, self.name = projection, name
        super().__init__(
            f"projection {projection} has no hook {name!r}; "
            "`eventstore projections hooks list` shows those that were run"
        )


class HookFailed(ProjectionError):
    """`hook` of `projection` raised `reason` when it was told of what came after `position`."""

    def __init__(self, hook: str, projection: str, shard: int, position: int, reason: str) -> None:
        self.hook, self.projection, self.shard = hook, projection, shard
        self.position, self.reason = position, reason
        super().__init__(
            f"hook {hook} of projection {projection}, shard {shard}, failed after position "
            f"{position}: {reason}; it is told again until it succeeds"
        )


class HookRefused(ProjectionError):
    """`hook` is registered and can't be run; `reason` says why."""

    exit_code = 2

    def __init__(self, hook: str, reason: str) -> None:
        self.hook, self.reason = hook, reason
        super().__init__(f"hook {hook}: {reason}; correct it, or remove the package that adds it")


class NoSuchRow(ProjectionError):
    """`table` had no row `key` at `position`; the events at `held` name it, and are not applied."""

    exit_code = 3

    def __init__(
        self, table: str, key: tuple[Any, ...], position: int, held: Sequence[int] = ()
    ) -> None:
        self.table, self.key, self.position, self.held = table, key, position, list(held)
        tail = f"; held events name it: {_words(self.held)}" if self.held else ""
        super().__init__(f"{table} had no row {_words(key)} at position {position}{tail}")


def _words(key: Sequence[Any]) -> str:
    return " ".join(map(str, key))
