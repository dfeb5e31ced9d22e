"""Whether the live tables are what their SQL file makes: what somebody changed by hand is found.

The file is run in a schema of its own, in a transaction that is rolled back, and what the
catalogue then says of both is compared. Rows are not looked at: that is `verify`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Final

from eventstore.connection.database import translated
from eventstore.connection.queries import load
from eventstore.schema.checks import Finding
from projections.catalogue import all_projections, versions
from projections.errors import NotInstalled, RulesDiffer, TablesNotMade
from projections.projection import Projection
from projections.row_store import LIVE_SCHEMA
from projections.session import Connection, open_session
from projections.tables import live_rules, template

__all__ = ["Checked", "Drift", "check", "findings"]

_SQL: Final = load("projections.sql", "drift.sql")
_ROWS: Final = load("projections.sql", "rows.sql")


@dataclass(frozen=True, slots=True)
class Drift:
    """A thing that is not as the file makes it, such as `column packages.name`.

    `expected` is its definition in the file and `found` the one in the database; None when it is
    not there at all.
    """

    thing: str
    expected: str | None
    found: str | None


@dataclass(frozen=True, slots=True)
class Checked:
    """The outcome for one projection."""

    projection: str
    projection_version: int
    drifts: tuple[Drift, ...]


def check(owner: Connection, known: Sequence[Projection]) -> Checked:
    """Compares a projection's live tables with the SQL file of their version; changes nothing.

    `known` are the versions that there are rules for, in order; tables for another one differ in
    their projection_version. A rebuild waits with its switch. Raises NotInstalled, and
    TablesNotMade when the file is no good.
    """
    name = known[-1].name
    with owner.transaction(force_rollback=True):
        with translated():
            rows = owner.execute(_SQL["hold_tables"], {"projection": name})
            live = {table for (table,) in rows}
        try:
            projection = live_rules(owner, known)
        except RulesDiffer as differ:
            version = Drift("projection_version", str(differ.ours), str(differ.found))
            return Checked(name, differ.found, (version,))
        with template(owner, projection) as source:
            _make_months(owner, live, source)
            expected = _described(owner, source, {table.TABLE for table in projection.tables})
        found = _described(owner, LIVE_SCHEMA, live)
    return Checked(name, projection.version, tuple(_differences(expected, found)))


def findings(url: str) -> list[Finding]:
    """What `eventstore db check` says of the tables of all projections that have some."""
    wrong: list[str] = []
    with closing(open_session(url, part="check", role="owner")) as owner:
        for each in all_projections():
            try:
                drifts = check(owner, versions(each.name)).drifts
                wrong += [f"{drift.thing} of {each.name}" for drift in drifts]
            except NotInstalled:
                continue
            except TablesNotMade as error:
                wrong.append(str(error))
    if not wrong:
        return [Finding("read models", ok=True, detail="as their SQL files make them")]
    cure = "`eventstore projections check --all` says more; a rebuild makes them right"
    return [Finding("read models", ok=False, detail=", ".join(wrong), cure=cure)]


Described = dict[str, dict[str, str]]
"""The definition of each thing of each table."""


def _make_months(owner: Connection, live: set[str], schema: str) -> None:
    """Gives the tables of a template the months that the live ones have: any may be there."""
    with translated():
        found = owner.execute(_SQL["months"], {"schema": LIVE_SCHEMA, "tables": list(live)})
        for table, months in found.fetchall():
            names = {"schema": schema, "table": table, "months": months or []}
            owner.execute(_ROWS["make_months"], names)


def _described(owner: Connection, schema: str, tables: set[str]) -> Described:
    described: Described = {}
    with translated():
        owner.execute(_SQL["look_in"], {"schema": schema})
        rows = owner.execute(_SQL["described"], {"schema": schema, "tables": list(tables)})
        for table, thing, definition in rows:
            described.setdefault(table, {})[thing] = definition
    return described


def _differences(expected: Described, found: Described) -> Iterator[Drift]:
    """Of a table that is missing or too many, only that it is."""
    for table in sorted(expected.keys() | found.keys()):
        wanted, there = expected.get(table, {}), found.get(table, {})
        things = wanted.keys() | there.keys() if wanted and there else {f"table {table}"}
        for thing in sorted(things):
            if wanted.get(thing) != there.get(thing):
                yield Drift(thing, wanted.get(thing), there.get(thing))
