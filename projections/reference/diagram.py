"""Entity-relationship diagrams of tables, in Mermaid."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from projections.reference.tables import Column, ForeignKey, Table

__all__ = ["COMMON", "diagram"]

COMMON: Final = ("tenant_id", "created_at", "updated_at", "position")
"""The columns that every read model has, which a diagram leaves out."""

_SHORT: Final = {
    "timestamp with time zone": "timestamptz",
    "double precision": "float8",
    "character varying": "varchar",
    "boolean": "bool",
}


def diagram(tables: Sequence[Table]) -> str:
    """The tables with their columns, and a line for each foreign key between them."""
    return "\n".join(("```mermaid", "erDiagram", *_lines(tables), "```"))


def _lines(tables: Sequence[Table]) -> Iterator[str]:
    names = {table.name: table for table in tables}
    for table in tables:
        yield f"    {table.name} {{"
        yield from (f"        {line}" for line in _attributes(table))
        yield "    }"
    for table in tables:
        for key in table.foreign_keys:
            if key.table in names:
                yield f"    {key.table} {_ends(table, key)} {table.name} : {_label(key)}"


def _attributes(table: Table) -> Iterator[str]:
    pointing = {name for key in table.foreign_keys for name in key.columns}
    for column in table.columns:
        if table.projection is None or column.name not in COMMON:
            marks = [
                mark
                for mark, columns in (("PK", table.key), ("FK", pointing))
                if column.name in columns
            ]
            yield " ".join((_type(column), column.name, ", ".join(marks))).rstrip()


def _type(column: Column) -> str:
    """One word, as the diagram's grammar wants it: no collation, no parameters with commas."""
    name = column.type.partition(" COLLATE ")[0]
    for long, short in _SHORT.items():
        name = name.replace(long, short)
    return re.sub(r"\(\d+,.*?\)", "", name).replace(" ", "_").replace('"', "")


def _ends(table: Table, key: ForeignKey) -> str:
    """Left how many rows one refers to, right how many may refer to the same one."""
    own = _own(key.columns)
    nullable = any(column.nullable for column in table.columns if column.name in own)
    once = any(
        set(each.columns) <= set(key.columns)
        for each in table.constraints
        if each.kind in ("primary key", "unique")
    )
    return f"{'|o' if nullable else '||'}--{'o|' if once else 'o{'}"


def _label(key: ForeignKey) -> str:
    return f'"{", ".join(_own(key.columns))}"'


def _own(columns: Iterable[str]) -> list[str]:
    """Without the tenant, which is in every key."""
    return [name for name in columns if name != "tenant_id"] or list(columns)
