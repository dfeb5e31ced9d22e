"""What all errors are, and what any part of the store may raise."""

from __future__ import annotations

from typing import Any, ClassVar

__all__ = ["ConfigurationError", "EventStoreError", "InvalidEvent", "NotFound", "UnknownEventType"]


class EventStoreError(Exception):
    """The root: catch it to catch whatever the store can raise."""

    exit_code: ClassVar[int] = 1

    @property
    def facts(self) -> dict[str, Any]:
        """The attributes that describe this error, for logs and `--json`."""
        return {name: value for name, value in vars(self).items() if not name.startswith("_")}


class InvalidEvent(EventStoreError, ValueError):
    """The event breaks a rule of its type or of the log, so it never reached the database.

    `reason` is the rule in words; `path` leads to the offending value, such as `data.tags.3`;
    `event_type` is the type when it is known.
    """

    exit_code = 5

    def __init__(self, reason: str, *, path: str = "", event_type: str | None = None) -> None:
        self.reason, self.path, self.event_type = reason, path, event_type
        where = " at ".join(part for part in (event_type, path) if part)
        super().__init__(f"{where}: {reason}" if where else reason)


class UnknownEventType(EventStoreError, LookupError):
    """No registered class reads (event_type, schema_version); the raw form is still readable."""

    def __init__(self, event_type: str, schema_version: int) -> None:
        self.event_type, self.schema_version = event_type, schema_version
        super().__init__(
            f"no class is registered for {event_type} with schema_version {schema_version}; "
            "import the module that defines it, or read the event's raw form"
        )


class NotFound(EventStoreError, LookupError):
    """The log holds no `thing` (event, stream, ...) named `key`; `hint` says where to look."""

    exit_code = 3

    def __init__(self, thing: str, key: object, hint: str = "") -> None:
        self.thing, self.key, self.hint = thing, key, hint
        super().__init__(f"there is no {thing} {key}" + (f"; {hint}" if hint else ""))


class ConfigurationError(EventStoreError):
    """A setting is missing, contradictory or malformed; `setting` names it."""

    exit_code = 2

    def __init__(self, setting: str, reason: str) -> None:
        self.setting, self.reason = setting, reason
        super().__init__(f"{setting}: {reason}")
