"""What the engine says while it runs: structured, through the standard library's logging.

A program that uses the engine decides what is shown and where; the command line shows it on
stderr. One line an event, in which the first words are the time, the level, what happened, and to
which projection and shard, at which position.
"""

from __future__ import annotations

import logging
import sys
from typing import Any, Final, Literal

import orjson
import structlog
from structlog.typing import FilteringBoundLogger

__all__ = ["LOG", "Format", "show_on_stderr"]

Format = Literal["logfmt", "json"]

_FIRST: Final = ("timestamp", "level", "event", "projection", "shard", "hook", "position")

_NAME: Final = "projections"
_stamp: Final = structlog.processors.TimeStamper(fmt="iso", utc=True)
_logfmt: Final = structlog.processors.LogfmtRenderer(key_order=_FIRST, drop_missing=True)
_format: Format = "logfmt"


def show_on_stderr(chosen: Format) -> None:
    """Shows on stderr what this process says, each line in that format."""
    global _format
    _format = chosen
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Formatter())
    logging.basicConfig(handlers=[handler], level=logging.INFO)


class _Formatter(logging.Formatter):
    """Puts into the same shape what libraries say; what the engine says has it already."""

    def format(self, record: logging.LogRecord) -> str:
        said = record.getMessage()
        if record.name == _NAME:
            return said
        facts = {"level": record.levelname.lower(), "event": said, "logger": record.name}
        return str(_render(None, "", _stamp(None, "", facts)))


def _render(logger: Any, name: str, event: Any) -> Any:
    if _format == "logfmt":
        return _logfmt(logger, name, event)
    ordered = {key: event.pop(key) for key in _FIRST if key in event} | event
    return orjson.dumps(ordered, default=str).decode()


LOG: Final[FilteringBoundLogger] = structlog.wrap_logger(
    logging.getLogger(_NAME),
    processors=[
        structlog.stdlib.filter_by_level,
        _stamp,
        structlog.stdlib.add_log_level,
        _render,
    ],
    wrapper_class=structlog.stdlib.BoundLogger,
    cache_logger_on_first_use=True,
)
