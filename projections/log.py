"""What the engine says while it runs: structured, through the standard library's logging.

A program that uses the engine decides what is shown and where; the command line shows it on
stderr. One line an event, in which the first words are the time, the level, what happened, and to
which projection and shard, at which position.
"""

from __future__ import annotations

import logging
from typing import Any, Final, Literal

import orjson
import structlog
from structlog.typing import FilteringBoundLogger

__all__ = ["LOG", "Format", "use_format"]

Format = Literal["logfmt", "json"]

_FIRST: Final = ("timestamp", "level", "event", "projection", "shard", "hook", "position")

_logfmt: Final = structlog.processors.LogfmtRenderer(key_order=_FIRST, drop_missing=True)
_format: Format = "logfmt"


def use_format(chosen: Format) -> None:
    """Says how lines look, in this process."""
    global _format
    _format = chosen


def _render(logger: Any, name: str, event: Any) -> Any:
    if _format == "logfmt":
        return _logfmt(logger, name, event)
    ordered = {key: event.pop(key) for key in _FIRST if key in event} | event
    return orjson.dumps(ordered, default=str).decode()


LOG: Final[FilteringBoundLogger] = structlog.wrap_logger(
    logging.getLogger("projections"),
    processors=[
        structlog.stdlib.filter_by_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.stdlib.add_log_level,
        _render,
    ],
    wrapper_class=structlog.stdlib.BoundLogger,
    cache_logger_on_first_use=True,
)
