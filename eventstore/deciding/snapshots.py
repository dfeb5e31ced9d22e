"""Snapshots: what a stream folds to, kept in the database so that a long one is read from there on.

    @dataclass(frozen=True)
    class Conversation:
        snapshots: ClassVar = Snapshots(version=1)
        messages: int = 0

        def after(self, event: Event) -> Self: ...

They are disposable. One of another version of the fold is as good as none, and so is one that can't
be read; a state that would not come back as it went is never kept.
"""

from __future__ import annotations

import hashlib
import logging
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

import orjson
from pydantic import TypeAdapter, ValidationError

from eventstore.command import State
from eventstore.connection.database import Database, translated
from eventstore.connection.queries import load
from eventstore.errors import EventStoreError

__all__ = ["SnapshotStore", "Snapshots", "keeps_snapshots"]

_SQL: Final = load("eventstore.sql", "snapshots.sql")
_LOG: Final = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Snapshots:
    """That states of a class are kept, and how often; stands on the class as `snapshots`."""

    version: int
    """Raise it when `after` changes: what an older fold came to is not used any more."""
    every: int = 500
    """Events that are folded before another snapshot is kept."""


@dataclass(frozen=True, slots=True)
class _Form:
    """How states of one class are written."""

    fold: str
    fold_version: str
    adapter: TypeAdapter[Any]
    every: int


class SnapshotStore:
    """The snapshots of one tenant's streams; for any number of threads."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def load(self, stream_id: str, initial: State) -> tuple[int, State]:
        """The stream_version and state of the newest usable snapshot; 0 and `initial` for none."""
        form = _form(type(initial))
        if form is None:
            return 0, initial
        asked = {"tenant": self._database.tenant, "stream_id": stream_id, "fold": form.fold}
        found = self._database.read(
            lambda c: c.execute(_SQL["kept"], asked, binary=True).fetchone()
        )
        if found is None or found[0] != form.fold_version:
            return 0, initial
        try:
            state: State = form.adapter.validate_json(found[2])
        except ValidationError as error:
            _LOG.warning("the snapshot of %s can't be read: %s", stream_id, error)
            return 0, initial
        return int(found[1]), state

    def keep(self, stream_id: str, stream_version: int, state: State, since: int) -> int:
        """Keeps a state when enough events were folded since the last snapshot.

        Returns the stream_version of the newest snapshot that this process knows of. That a state
        can't be kept is nobody's failure: it is said in the log of the program, and folded again.
        """
        form = _form(type(state))
        if form is None or stream_version - since < form.every:
            return since
        try:
            written = form.adapter.dump_json(state)
            if form.adapter.validate_json(written) != state:
                raise ValueError("it would come back as another")
            self._save(
                {
                    "tenant": self._database.tenant,
                    "stream_id": stream_id,
                    "fold": form.fold,
                    "fold_version": form.fold_version,
                    "stream_version": stream_version,
                    "state": written.decode(),
                }
            )
        except (ValueError, EventStoreError) as error:
            _LOG.warning("the state of %s is not kept as a snapshot: %s", stream_id, error)
        return stream_version

    def drop(self, stream_id: str | None = None) -> int:
        """Forgets the snapshots of a stream, or of all streams; returns how many."""
        asked = {"tenant": self._database.tenant, "stream_id": stream_id}
        with translated(), self._database.writer() as connection:
            row = connection.execute(_SQL["drop"], asked).fetchone()
        assert row is not None, "a function that does not raise answers"
        return int(row[0])

    def _save(self, values: dict[str, Any]) -> None:
        # Once in some hundred events, so a connection of its own is cheap enough.
        with translated(), self._database.writer() as connection:
            connection.execute(_SQL["save"], values)


def keeps_snapshots(state: type[Any]) -> bool:
    """Whether a class of states asks for snapshots."""
    return isinstance(getattr(state, "snapshots", None), Snapshots)


@lru_cache(maxsize=1_000)
def _form(state: type[Any]) -> _Form | None:
    """How the states of a class are kept; None for a class that does not ask for it."""
    if not keeps_snapshots(state):
        return None
    wanted: Snapshots = state.snapshots
    adapter = TypeAdapter(state)
    digest = hashlib.sha256(orjson.dumps(adapter.json_schema(), option=orjson.OPT_SORT_KEYS))
    return _Form(
        f"{state.__module__}.{state.__qualname__}",
        f"{wanted.version}-{digest.hexdigest()[:16]}",
        adapter,
        wanted.every,
    )
