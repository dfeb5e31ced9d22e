"""The epoch under which entries count, kept alive by whoever invalidates them.

It is a key that expires two seconds after its keeper was last heard of, and holds the keeper's
fencing token: one with an older token can't take it back.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from threading import Condition, Thread
from time import monotonic
from typing import Any, Final, Self

from valkey import Valkey
from valkey.exceptions import ValkeyError

__all__ = ["LIFETIME", "EpochKeeper"]

LIFETIME: Final = 2.0
"""Seconds that an epoch lasts without a sign of life."""
_BEAT: Final = 0.5
"""Seconds between two signs of life."""
_MARGIN: Final = 0.5
"""Seconds for a sign of life that is still on its way."""
_KEEP: Final = """
local there = redis.call('GET', KEYS[1])
if there and string.sub(there, 1, 20) > string.sub(ARGV[1], 1, 20) then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
"""


class EpochKeeper:
    """Keeps an epoch alive from `with` until the block ends, in a thread.

    `revive` is called when the cache does not answer, to bring back a server of our own.
    """

    def __init__(
        self,
        client: Valkey,
        key: str,
        fencing_token: int,
        *,
        revive: Callable[[], None] = lambda: None,
    ) -> None:
        self._client, self._key, self._token = client, key, fencing_token
        self._revive = revive
        self._keep: Any = client.register_script(_KEEP)
        self._changed = Condition()
        self._epoch = self._new()
        self._kept = False
        """Whether the last sign of life of this very epoch arrived."""
        self._sent = monotonic()
        """When the last sign of life was sent, whether it arrived or not. Who kept the epoch before
        may have sent one just now."""
        self._closed = False
        self._thread = Thread(target=self._run, name="cache epoch", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        self._thread.join()
        self.end()

    def wait_kept(self, timeout: float) -> bool:
        """Waits until there is an epoch; whether there is."""
        with self._changed:
            return self._changed.wait_for(lambda: self._kept, timeout)

    def end(self) -> None:
        """Returns when no entry made until now counts any more, for nobody.

        At once if the cache can be told so, otherwise when the epoch has expired.
        """
        with self._changed:
            over = self._sent + LIFETIME + _MARGIN
            if monotonic() >= over:
                return
            self._epoch, self._kept = self._new(), False
            try:
                self._client.delete(self._key)
            except ValkeyError:
                # A sign of life of the new epoch ends the old one too.
                self._changed.wait_for(lambda: self._kept, over - monotonic())

    def _run(self) -> None:
        with self._changed:
            while not self._closed:
                if not self._beat():
                    self._changed.release()  # an invalidation need not wait for a server to start
                    try:
                        self._revive()
                    finally:
                        self._changed.acquire()
                self._changed.notify_all()
                self._changed.wait_for(lambda: self._closed, _BEAT)

    def _beat(self) -> bool:
        """Sends a sign of life; whether the cache has answered."""
        if monotonic() - self._sent > LIFETIME:
            self._epoch = self._new()  # this process stood still: there may be another keeper
        self._sent = monotonic()
        try:
            arguments = [self._epoch, int(LIFETIME * 1_000)]
            self._kept = bool(self._keep(keys=[self._key], args=arguments))
        except ValkeyError:
            self._kept = False
            return False
        return True

    def _new(self) -> str:
        return f"{self._token:020d}:{secrets.token_hex(8)}"
