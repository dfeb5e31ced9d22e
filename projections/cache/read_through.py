"""Reads that look into the cache first, and fill it.

A reader that finds nothing leaves a lease in place of the value, reads the database, and puts the
value there if its lease still stands. An invalidation removes leases too: what was read before a
change never comes in after it.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic
from typing import Any, Final, Generic, TypeVar

from pydantic import BaseModel, ValidationError
from valkey import Valkey
from valkey.exceptions import ResponseError, ValkeyError

from projections.cache.names import Names, entry, lease, value_of

__all__ = ["Cache", "Kind", "Reads"]

M = TypeVar("M", bound=BaseModel)

_LEASE: Final = 5_000
"""Milliseconds in which a reader has to bring the value."""
_AVOIDED: Final = 1.0
"""Seconds for which a cache that failed is not asked again."""
_NOTHING: Final = b"null"
# In one step: a value is replaced only by who knows what was there.
_REPLACE: Final = """
local there = redis.call('GET', KEYS[1])
if (there or '') ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
return 1
"""


@dataclass(frozen=True, slots=True)
class Kind(Generic[M]):
    """One kind of thing that is cached."""

    name: str
    model: type[M]
    seconds: int = 3_600
    """How long an entry is kept that nothing changes; a bound on memory, not on staleness."""


@dataclass(slots=True)
class Reads:
    """How reads went since the cache was opened; counted without a lock, so nearly."""

    hits: int = 0
    misses: int = 0
    bypassed: int = 0
    """Reads that went past the cache, because it failed or nobody keeps it up to date."""


class Cache:
    """The cache of one tenant; without a client it is none, and every read goes to the database."""

    def __init__(self, client: Valkey | None, names: Names, tenant: str) -> None:
        self.reads = Reads()
        self._client, self._names, self._tenant = client, names, tenant
        self._replace: Any = client.register_script(_REPLACE) if client is not None else None
        self._avoided_until = 0.0

    def read(self, kind: Kind[M], key: str, load: Callable[[], M | None]) -> M | None:
        """The thing of that key, or None when there is none; `load` reads it from the database.

        Raises what `load` does, and nothing of its own.
        """
        name = self._names.entry(self._tenant, kind.name, key)
        found = self._look(name)
        if found is None:
            self.reads.bypassed += 1
            return load()
        epoch, stored = found
        value = value_of(stored, epoch)
        if value is not None:
            try:
                thing = None if value == _NOTHING else kind.model.model_validate_json(value)
            except ValidationError:
                pass  # another release, with another form of the answer, has put it there
            else:
                self.reads.hits += 1
                return thing
        self.reads.misses += 1
        token = self._lease(name, stored)
        thing = load()
        if token is not None:
            text = _NOTHING if thing is None else thing.model_dump_json().encode()
            self._swap(name, token, entry(epoch, text), kind.seconds * 1_000)
        return thing

    def close(self) -> None:
        """Gives the connections back."""
        if self._client is not None:
            self._client.close()  # type: ignore[no-untyped-call]

    def _look(self, name: str) -> tuple[bytes, bytes | None] | None:
        """The epoch, and what is stored; None when the cache can't be trusted now."""
        if self._client is None or monotonic() < self._avoided_until:
            return None
        try:
            found: Any = self._client.mget(self._names.epoch, name)
        except ValkeyError:
            self._avoid()
            return None
        epoch, stored = found
        return None if epoch is None else (epoch, stored)

    def _lease(self, name: str, stored: bytes | None) -> bytes | None:
        """The lease to fill the entry under; None when another reader has it, or there is none."""
        if stored is not None and stored.startswith(b"?"):
            return None
        mine = lease(secrets.token_bytes(12))
        return mine if self._swap(name, stored or b"", mine, _LEASE) else None

    def _swap(self, name: str, expected: bytes, value: bytes, milliseconds: int) -> bool:
        try:
            return bool(self._replace(keys=[name], args=[expected, value, milliseconds]))
        except ResponseError:  # it is full; what it has is as good as before
            return False
        except ValkeyError:
            self._avoid()
            return False

    def _avoid(self) -> None:
        self._avoided_until = monotonic() + _AVOIDED
