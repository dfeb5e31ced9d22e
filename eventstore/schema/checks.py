"""Whether a database is as the store needs it: what `eventstore db check` looks at.

Other packages add what they need through the entry-point group `eventstore.checks`: a name, and a
function that takes the database's URL and gives Findings.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib.metadata import entry_points
from typing import Final

from eventstore.connection import queries
from eventstore.connection.database import connect, translated
from eventstore.errors import SchemaMismatch
from eventstore.schema import migrate

__all__ = ["Finding", "inspect"]

GROUP: Final = "eventstore.checks"

_SQL: Final = queries.load("eventstore.sql", "checks.sql")


@dataclass(frozen=True, slots=True)
class Finding:
    """The outcome of one check: `detail` says what was found, `cure` what mends it."""

    check: str
    ok: bool
    detail: str = ""
    cure: str = ""


def inspect(url: str) -> list[Finding]:
    """Every check in turn. Raises StoreUnavailable or PermissionDenied when it can't look."""
    try:
        migrate.check(url)
    except SchemaMismatch as error:
        return [Finding("schema", ok=False, detail=error.reason, cure=error.cure)]
    findings = [Finding("schema", ok=True, detail=migrate.current(url) or "")]
    with translated(), connect(url, role="owner", application="eventstore check") as connection:
        for name, query, cure in _CHECKS:
            found = [" ".join(map(str, row)) for row in connection.execute(_SQL[query])]
            findings.append(
                Finding(
                    name, not found, ", ".join(found) or "as it should be", cure if found else ""
                )
            )
    for point in sorted(entry_points(group=GROUP)):
        try:
            findings += point.load()(url)
        except Exception as error:  # noqa: BLE001 - somebody else's package; others are looked at
            findings.append(Finding(point.name, ok=False, detail=f"can't be looked at: {error}"))
    return findings


_BOOTSTRAP: Final = "an administrator runs `eventstore db bootstrap`"
_CHECKS: Final = (
    ("roles", "missing_roles", _BOOTSTRAP),
    ("advisory locks closed to tenants", "open_advisory_functions", _BOOTSTRAP),
    ("positions one by one", "cached_sequences", "as owner: ALTER SEQUENCE … CACHE 1"),
    ("partitions ahead", "partition_gaps", "run `eventstore partitions ensure`"),
    (
        "row-level security",
        "unprotected_tables",
        "as owner: ALTER TABLE … FORCE ROW LEVEL SECURITY",
    ),
)
