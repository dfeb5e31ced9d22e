"""What somebody names and is not there, can't be loaded, or is none that can be run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from projections.errors.base import ProjectionError, key_words

__all__ = [
    "EmbedderRefused",
    "HookFailed",
    "HookRefused",
    "NoSuchRow",
    "NotLoaded",
    "QuestionRefused",
    "RulesNotFound",
    "SearchRefused",
    "UnknownColumn",
    "UnknownHook",
    "UnknownProjection",
    "UnknownTable",
    "UnknownVersion",
]


class NotLoaded(ProjectionError):
    """The projection that another package declares as `entry_point` can't be used."""

    def __init__(self, entry_point: str, reason: str) -> None:
        self.entry_point, self.reason = entry_point, reason
        super().__init__(
            f"the entry point {entry_point} in eventstore.projections gives no projection: "
            f"{reason}; repair or uninstall the package that declares it"
        )


class QuestionRefused(ProjectionError, ValueError):
    """`limit` rows were asked for in one answer, which may hold `most`."""

    exit_code = 2

    def __init__(self, limit: int, most: int) -> None:
        self.limit, self.most = limit, most
        super().__init__(
            f"{limit} rows asked for, allowed are 1 to {most:,}; ask on after the last one"
        )


class RulesNotFound(ProjectionError):
    """`name`, written module:Class, leads to no projection; `reason` says why."""

    exit_code = 3

    def __init__(self, name: str, reason: str) -> None:
        self.name, self.reason = name, reason
        super().__init__(f"no rules {name!r}: {reason}")


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
    """No projection builds a table called `name`, or none that can be searched."""

    exit_code = 3

    def __init__(self, name: str, known: list[str], kind: str = "table") -> None:
        self.name, self.known, self.kind = name, known, kind
        super().__init__(f"no {kind} {name!r}; there are {', '.join(known)}")


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
        tail = f"; held events name it: {key_words(self.held)}" if self.held else ""
        super().__init__(f"{table} had no row {key_words(key)} at position {position}{tail}")


class EmbedderRefused(ProjectionError):
    """What is called `name` can't be used to turn texts into vectors; `reason` says why."""

    exit_code = 2

    def __init__(self, name: str, reason: str) -> None:
        self.name, self.reason = name, reason
        super().__init__(f"embedder {name!r}: {reason}; see EVENTSTORE_EMBEDDER")


class SearchRefused(ProjectionError):
    """What was asked of `table` is no search; `reason` says what is wrong, and what to do."""

    exit_code = 2

    def __init__(self, table: str, reason: str) -> None:
        self.table, self.reason = table, reason
        super().__init__(f"search of {table}: {reason}")
