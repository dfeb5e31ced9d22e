"""Settings, and where each of them came from.

A setting is looked up as flag, then environment, then `.env` in the working directory, then
default. The database's URL has more names than one; the first that is set wins:

    --database-url · EVENTSTORE_DATABASE_URL · DATABASE_URL · DATABASE_HOST, _PORT, _NAME, _USER and
    _PASSWORD · the same names in .env

Without any of them the store uses its embedded server. An empty variable counts as not set.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import platformdirs
from dotenv import dotenv_values

from eventstore.errors import ConfigurationError
from eventstore.limits import (
    APPEND_TIMEOUT,
    LONGEST_TIMEOUT,
    MAX_NAME,
    MAX_PAYLOAD_BYTES,
    MAX_PENDING_APPENDS,
    MAX_PENDING_BYTES,
    MONTHS_AHEAD,
)

__all__ = ["Settings", "load", "mask"]

DEFAULT: Final = "default"
"""The origin of a setting that nobody set."""

_Source = tuple[Mapping[str, str | None], str]
"""Names and values, and what to call them in words."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What a store needs to know before it opens; `origins` says where each value came from."""

    database_url: str | None
    """URL of a real server, or None for the embedded one."""
    home: Path
    """Directory of the embedded server."""
    tenant: str
    """Tenant that appends and reads are for."""
    pool_min_size: int
    """Connections that a pool keeps open."""
    pool_max_size: int
    """Connections that a pool may open."""
    command_timeout: float
    """Seconds after which the database gives up a statement."""
    lock_timeout: float
    """Seconds that a statement waits for a lock."""
    max_payload_bytes: int
    """Bytes of one event's payload."""
    append_timeout: float
    """Seconds that an append may take in all, unless its caller says otherwise."""
    max_pending_appends: int
    """Appends of a store that may wait to be sent."""
    max_pending_bytes: int
    """Bytes of the appends that wait."""
    cache_url: str | None
    """URL of a Valkey or Redis server, `off`, or None for the embedded one."""
    embedder: str | None
    """Name of what turns texts into vectors; None when nothing does."""
    read_url: str | None
    """URL of a server to read from, such as a standby; None for the one that is written to. One
    from the environment counts only where the environment names the database too."""
    months_ahead: int
    """Months after this one that have partitions."""
    origins: Mapping[str, str]
    """For each setting the flag, the variable with its source, or `default`."""

    def shown(self) -> dict[str, str | int | float | None]:
        """The settings without origins, fit to be printed: passwords are masked."""
        values = {f.name: getattr(self, f.name) for f in fields(self) if f.name != "origins"}
        for name in ("database_url", "cache_url", "read_url"):
            if values[name] is not None:
                values[name] = mask(values[name])
        return values | {"home": str(self.home)}


def load(database_url: str | None = None, **flags: Any) -> Settings:
    """The settings in force here and now.

    `flags` are settings by name, as given on a command line or by a caller; None means not given.
    Raises ConfigurationError with the name and the source of a value that makes no sense.
    """
    unknown = flags.keys() - _SETTINGS.keys()
    if unknown:
        raise TypeError(f"no such setting: {', '.join(sorted(unknown))}")
    sources: list[_Source] = [(os.environ, "environment"), (_dotenv(), ".env")]
    values: dict[str, Any] = {}
    origins: dict[str, str] = {}
    values["database_url"], origins["database_url"] = _database_url(database_url, sources)
    for name, (variable, default, parse) in _SETTINGS.items():
        raw, origin = _lookup(name, flags.get(name), variable, default, sources)
        try:
            values[name] = parse(raw)
        except ValueError as error:
            raise ConfigurationError(variable, f"{error}, got {raw!r} from {origin}") from None
        origins[name] = origin
    if values["pool_min_size"] > values["pool_max_size"]:
        raise ConfigurationError(
            "EVENTSTORE_POOL_MIN_SIZE",
            f"{values['pool_min_size']} ({origins['pool_min_size']}) is more than "
            f"EVENTSTORE_POOL_MAX_SIZE {values['pool_max_size']} ({origins['pool_max_size']})",
        )
    if origins["database_url"] == "--database-url" and origins["read_url"] != "--read-url":
        # Said to be elsewhere by the environment of another store.
        values["read_url"], origins["read_url"] = None, DEFAULT
    if values["read_url"] is not None:
        _checked(values["read_url"], origins["read_url"], "read_url")
    return Settings(**values, origins=origins)


def mask(url: str) -> str:
    """A database URL or connection string with its password replaced by ***."""
    url = re.sub(r"(://[^:/@?]*:)[^@/]*@", r"\1***@", url)
    return re.sub(
        r"((?:^|[?&\s])(?:ssl)?password\s*=\s*)('(?:[^'\\]|\\.)*'|[^&\s]+)", r"\1***", url
    )


def _whole(low: int, high: int) -> Callable[[Any], int]:
    def parse(raw: Any) -> int:
        try:
            number = int(raw)
        except (TypeError, ValueError):
            number = low - 1
        if not low <= number <= high:
            raise ValueError(f"must be a whole number from {low} to {high}")
        return number

    return parse


def _seconds(raw: Any) -> float:
    try:
        number = float(raw)
    except (TypeError, ValueError):
        number = -1.0
    if not 0.001 <= number <= LONGEST_TIMEOUT:  # also refuses nan
        raise ValueError(f"must be seconds from 0.001 to {LONGEST_TIMEOUT}")
    return number


def _tenant(raw: Any) -> str:
    text = str(raw)
    if not (0 < len(text) <= MAX_NAME and text.isprintable()) or text == "*":
        raise ValueError(f"must be 1 to {MAX_NAME} printable characters, and not *")
    return text


def _name(raw: Any) -> str | None:
    return None if raw is None else str(raw)


def _home(raw: Any) -> Path:
    path = Path(raw) if raw else platformdirs.user_data_path("eventstore", appauthor=False)
    try:
        return path.expanduser().absolute()
    except RuntimeError:
        raise ValueError("names a home directory that can't be found") from None


_SETTINGS: Final[dict[str, tuple[str, Any, Callable[[Any], Any]]]] = {
    "home": ("EVENTSTORE_HOME", None, _home),
    "tenant": ("EVENTSTORE_TENANT", "default", _tenant),
    "pool_min_size": ("EVENTSTORE_POOL_MIN_SIZE", 1, _whole(0, 1000)),
    "pool_max_size": ("EVENTSTORE_POOL_MAX_SIZE", 10, _whole(1, 1000)),
    "command_timeout": ("EVENTSTORE_COMMAND_TIMEOUT", 60, _seconds),
    "lock_timeout": ("EVENTSTORE_LOCK_TIMEOUT", 10, _seconds),
    "max_payload_bytes": (
        "EVENTSTORE_MAX_PAYLOAD_BYTES",
        MAX_PAYLOAD_BYTES,
        _whole(1024, 64 * MAX_PAYLOAD_BYTES),
    ),
    "append_timeout": ("EVENTSTORE_APPEND_TIMEOUT", APPEND_TIMEOUT, _seconds),
    "max_pending_appends": (
        "EVENTSTORE_MAX_PENDING_APPENDS",
        MAX_PENDING_APPENDS,
        _whole(1, 1_000_000),
    ),
    "max_pending_bytes": (
        "EVENTSTORE_MAX_PENDING_BYTES",
        MAX_PENDING_BYTES,
        _whole(1024, 2**40),
    ),
    "cache_url": ("CACHE_URL", None, lambda raw: raw),
    "embedder": ("EVENTSTORE_EMBEDDER", None, _name),
    "read_url": ("EVENTSTORE_READ_URL", None, _name),
    "months_ahead": ("EVENTSTORE_MONTHS_AHEAD", MONTHS_AHEAD, _whole(1, 120)),
}


def _lookup(
    name: str, flag: Any, variable: str, default: Any, sources: list[_Source]
) -> tuple[Any, str]:
    if flag is not None:
        return flag, f"--{name.replace('_', '-')}"
    for mapping, source in sources:
        if mapping.get(variable):
            return mapping[variable], f"{variable} ({source})"
    return default, DEFAULT


def _database_url(flag: str | None, sources: list[_Source]) -> tuple[str | None, str]:
    if flag is not None:
        return _checked(flag, "--database-url"), "--database-url"
    for mapping, source in sources:
        for variable in ("EVENTSTORE_DATABASE_URL", "DATABASE_URL"):
            if url := mapping.get(variable):
                origin = f"{variable} ({source})"
                return _checked(url, origin), origin
        parts = {part: mapping.get(f"DATABASE_{part}") or "" for part in _PARTS}
        if any(parts.values()):
            origin = f"DATABASE_* ({source})"
            return _checked(_joined(parts, source), origin), origin
    return None, DEFAULT


_PARTS: Final = ("HOST", "PORT", "NAME", "USER", "PASSWORD")


def _joined(parts: dict[str, str], source: str) -> str:
    for needed in ("HOST", "NAME"):
        if not parts[needed]:
            given = next(f"DATABASE_{part}" for part, value in parts.items() if value)
            raise ConfigurationError(
                f"DATABASE_{needed}", f"not set, but {given} is ({source}); set both or neither"
            )
    login = quote(parts["USER"], safe="")
    if parts["PASSWORD"]:
        login += ":" + quote(parts["PASSWORD"], safe="")
    # A bare IPv6 address needs brackets; a socket directory is percent-encoded.
    host = f"[{parts['HOST']}]" if ":" in parts["HOST"] else quote(parts["HOST"], safe="")
    port = f":{parts['PORT']}" if parts["PORT"] else ""
    at = "@" if login else ""
    return f"postgresql://{login}{at}{host}{port}/{quote(parts['NAME'], safe='')}"


def _checked(url: str, origin: str, setting: str = "database_url") -> str:
    from psycopg import ProgrammingError
    from psycopg.conninfo import conninfo_to_dict

    scheme = url.partition("://")[0]
    if "+" in scheme and "=" not in scheme:
        raise ConfigurationError(
            setting, f"{scheme}:// ({origin}) names a driver; write postgresql:// instead"
        )
    try:
        conninfo_to_dict(url)
    except ProgrammingError:
        # The driver's message can repeat the password, so it stays out of ours.
        raise ConfigurationError(
            setting,
            f"the value of {origin} is no PostgreSQL URL; it should look like "
            "postgresql://user:password@host:5432/database",
        ) from None
    return url


def _dotenv() -> Mapping[str, str | None]:
    try:
        return dotenv_values(".env") if Path(".env").is_file() else {}
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(".env", f"can't be read: {error}") from error
