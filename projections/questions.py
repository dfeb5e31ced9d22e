"""Typed questions to read models: a named query whose rows are JSON, and what they are read into.

    class PackagingQueries(Questions, sql=load("projections.packaging", "queries.sql")):
        def package(self, package_id: UUID) -> PackageWithParts | None:
            return self._one(PackageWithParts, "package", package_id=package_id)

A context asks in `projections/NAME/queries.py`, with its SQL in `queries.sql` beside it. Each query
gives one column of JSON, so that a thing comes with all its parts in one round trip, and names its
tenant, so that indexes serve it; row security stands behind that. Rows may lag behind the log:
`store.wait_for` closes the gap.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Final, LiteralString, TypeVar

from pydantic import BaseModel, ConfigDict

from eventstore import EventStore
from eventstore.connection.database import Connection
from projections.errors import QuestionRefused

__all__ = ["MAX_LIMIT", "Answer", "Questions"]

MAX_LIMIT: Final = 1_000
"""Rows that one question may ask for."""


class Answer(BaseModel):
    """What a question is answered with: columns of read models by their names, and their parts."""

    model_config = ConfigDict(frozen=True, extra="forbid")


A = TypeVar("A", bound=Answer)


class Questions:
    """Questions about one context, asked as the store's tenant, of whose rows alone they speak.

    For any number of threads. Each raises StoreUnavailable or PermissionDenied, and QuestionRefused
    for a `limit` that is too high.
    """

    SQL: ClassVar[Mapping[str, LiteralString]]

    def __init_subclass__(
        cls, *, sql: Mapping[str, LiteralString] | None = None, **kwargs: Any
    ) -> None:
        super().__init_subclass__(**kwargs)
        if sql is not None:
            cls.SQL = sql

    def __init__(self, store: EventStore) -> None:
        self.store = store

    def _one(self, answer: type[A], query: str, **values: Any) -> A | None:
        """The only answer, or None when there is none."""
        found = self._ask(query, values)
        return answer.model_validate_json(found[0]) if found else None

    def _many(self, answer: type[A], query: str, *, limit: int, **values: Any) -> list[A]:
        """The answers in the query's order, up to `limit` of them."""
        if not 1 <= limit <= MAX_LIMIT:
            raise QuestionRefused(limit, MAX_LIMIT)
        found = self._ask(query, {"limit": limit, **values})
        return [answer.model_validate_json(row) for row in found]

    def _ask(self, query: str, values: Mapping[str, Any]) -> list[bytes]:
        facts = {"tenant": self.store.tenant, **values}

        def run(conn: Connection) -> list[bytes]:
            return [row for (row,) in conn.execute(self.SQL[query], facts, binary=True)]

        return self.store.database.read(run)
