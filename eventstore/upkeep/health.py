"""Whether the log is well: which server answers, how new its reads are, what is missing ahead."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from eventstore.connection.database import Connection, translated
from eventstore.connection.queries import load
from eventstore.reading.read import watermark
from eventstore.upkeep.partitions import gaps

__all__ = ["LogHealth", "health"]

_SQL: Final = load("eventstore.sql", "health.sql")
_SILENCE: Final = 30.0
"""Seconds after which a watermark that nobody stores is worth a word."""


@dataclass(frozen=True, slots=True)
class LogHealth:
    """The state of the log as one server shows it."""

    standby: bool
    """Whether the server replays what another one writes."""
    watermark: int
    """How far ordered reads go here."""
    stored_watermark: int
    """How far they go on standbys, as this server knows it."""
    stored_seconds: float
    """Since the watermark was last stored; on a standby, the age of its reads."""
    held_back_seconds: float | None
    """Age of the oldest append in flight, that readers wait for; None for none, or not known."""
    months_ahead: int
    """Months after this one for which every retention class has a partition."""
    missing_partitions: tuple[str, ...]
    """What is missing until the end of next month, as `work 2026-12`."""

    @property
    def problems(self) -> list[str]:
        """What needs somebody, with what mends it."""
        said = []
        if self.missing_partitions:
            what = ", ".join(self.missing_partitions)
            said.append(f"partitions are missing: {what}; run `eventstore partitions ensure`")
        if self.standby and self.stored_seconds > _SILENCE:
            said.append(
                f"reads show the log of {self.stored_seconds:.0f} s ago: see that the standby "
                "replays, and that a daemon runs (`eventstore projections run` or `db keep`)"
            )
        return said


def health(connection: Connection) -> LogHealth:
    """The state of the log, as an auditor, a projector or an archiver may see it."""
    with translated():
        [(standby, stored, seconds, ahead)] = connection.execute(_SQL["standing"]).fetchall()
        [(held_back,)] = connection.execute(_SQL["held_back"]).fetchall()
    missing = tuple(f"{gap['retention_class']} {gap['month']:%Y-%m}" for gap in gaps(connection))
    return LogHealth(
        standby=standby,
        watermark=watermark(connection),
        stored_watermark=stored,
        stored_seconds=seconds,
        held_back_seconds=held_back,
        months_ahead=-1 if ahead is None else ahead,
        missing_partitions=missing,
    )
