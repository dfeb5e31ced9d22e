"""What the engine says while it runs: structured, through the standard library's logging.

A program that uses the engine decides what is shown and where; the command line shows it on
stderr.
"""

from __future__ import annotations

import logging
from typing import Final

import structlog
from structlog.typing import FilteringBoundLogger

__all__ = ["LOG"]

LOG: Final[FilteringBoundLogger] = structlog.wrap_logger(
    logging.getLogger("projections"),
    processors=[
        structlog.stdlib.filter_by_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.stdlib.add_log_level,
        structlog.processors.LogfmtRenderer(key_order=["timestamp", "level", "event"]),
    ],
    wrapper_class=structlog.stdlib.BoundLogger,
    cache_logger_on_first_use=True,
)
