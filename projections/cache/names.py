"""What the keys in the cache are called, and what an entry looks like."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Final

from psycopg.conninfo import conninfo_to_dict

from eventstore.connection.database import Connection
from eventstore.connection.queries import load

__all__ = ["Names", "entry", "lease", "value_of"]

_SQL: Final = load("projections.sql", "cache.sql")


@dataclass(frozen=True, slots=True)
class Names:
    """The keys of one store, so that several can share a cache."""

    mark: str

    @classmethod
    def of(cls, url: str, conn: Connection) -> Names:
        """By which database it is, and by what name it is called.

        A name such as localhost is another machine's too, and a restored copy says of itself that
        it is the original; who calls one database by two names shares no entries.
        """
        parts = conninfo_to_dict(url)
        found = conn.execute(_SQL["identity"]).fetchone() or ()
        called = (parts.get(part, "") for part in ("host", "port", "dbname", "service"))
        identity = "|".join(map(str, (*called, *found)))
        return cls(hashlib.sha256(identity.encode()).hexdigest()[:16])

    @property
    def epoch(self) -> str:
        """The key that holds the epoch, while there is one."""
        return f"eventstore:{self.mark}:epoch"

    def entry(self, tenant: str, kind: str, key: str) -> str:
        """The key of one entry."""
        return f"eventstore:{self.mark}:{tenant}:{kind}:{key}"


def entry(epoch: bytes, value: bytes) -> bytes:
    """A value as it is stored: the epoch of whoever made it comes first."""
    return b"=" + epoch + b"\n" + value


def lease(token: bytes) -> bytes:
    """What stands for a value that somebody is reading from the database."""
    return b"?" + token


def value_of(stored: bytes | None, epoch: bytes) -> bytes | None:
    """The value in an entry of this epoch; None for everything else."""
    start = b"=" + epoch + b"\n"
    return stored[len(start) :] if stored is not None and stored.startswith(start) else None
