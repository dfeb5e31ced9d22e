"""The page of one table: what it is for, and everything that belongs to it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from projections.reference.markdown import code, link, page, table, text
from projections.reference.tables import Policy, Table

__all__ = ["table_page"]

_ELSEWHERE: Final = re.compile(r"(\w+)\.\w+ \(\w+\)")
"""Such as users.id (workspaces): contexts refer to each other by plain ids."""


def table_page(mark: str, of: Table, links: Mapping[str, str], others: Iterable[Table]) -> str:
    """Markdown; `links` has the page of each table by name, as seen from this one's."""
    return page(
        mark,
        f"# {of.name}",
        text(of.comment),
        _place(of),
        _section("Columns", _columns(of, links)),
        _section("Keys", _keys(of)),
        _section("Refers to", _foreign_keys(of, links)),
        _section("Referred to by", _referring(of, others, links)),
        _section("Checks", _checks(of)),
        _section("Indexes", _indexes(of)),
        _section("Triggers", _triggers(of)),
        _section("Who may do what", _rights(of)),
    )


def _section(title: str, content: str) -> str:
    return f"## {title}\n\n{content}" if content else ""


def _place(of: Table) -> str:
    whose = (
        f"a read model of the projection {code(of.projection)}"
        if of.projection
        else f"owned by {code(of.owner)}"
    )
    words = f"{of.kind.capitalize()} {code(f'{of.schema}.{of.name}')}, {whose}."
    if of.partitioned_by:
        words += f" Partitioned by {code(of.partitioned_by)}"
        words += f", then by {code(of.parts_partitioned_by)}." if of.parts_partitioned_by else "."
    return words


def _columns(of: Table, links: Mapping[str, str]) -> str:
    return table(
        ("column", "type", "null", "default", "meaning"),
        (
            (
                code(each.name),
                text(each.type),
                "yes" if each.nullable else "",
                code(each.default) if each.default else "",
                _linked(text(each.comment), links),
            )
            for each in of.columns
        ),
    )


def _linked(comment: str, links: Mapping[str, str]) -> str:
    """A comment that names a column of another context, with a way to its table."""
    return _ELSEWHERE.sub(
        lambda named: f"[{named[0]}]({links[named[1]]})" if named[1] in links else named[0], comment
    )


def _keys(of: Table) -> str:
    keys = [each for each in of.constraints if each.kind in ("primary key", "unique", "exclusion")]
    return _table_unless_empty(
        ("key", "kind", "of", "why"),
        [
            (
                code(each.name),
                each.kind,
                code(each.definition) if each.kind == "exclusion" else _names(each.columns),
                text(each.comment),
            )
            for each in keys
        ],
    )


def _foreign_keys(of: Table, links: Mapping[str, str]) -> str:
    return _table_unless_empty(
        ("columns", "table", "when that row is deleted", "why"),
        [
            (
                _names(each.columns),
                link(each.table, links[each.table]) if each.table in links else code(each.table),
                _on_delete(each.on_delete, each.deferrable),
                text(each.comment),
            )
            for each in of.foreign_keys
        ],
    )


def _on_delete(action: str, deferrable: bool) -> str:
    words = {
        "cascade": "this one is too (cascade)",
        "restrict": "refused, at once (restrict)",
        "no action": "refused (no action)",
        "set null": "the columns become null (set null)",
        "set default": "the columns get their defaults (set default)",
    }[action]
    return f"{words}; checked at commit if the transaction asks" if deferrable else words


def _referring(of: Table, others: Iterable[Table], links: Mapping[str, str]) -> str:
    return _table_unless_empty(
        ("table", "columns"),
        [
            (link(other.name, links[other.name]), _names(key.columns))
            for other in others
            for key in other.foreign_keys
            if key.table == of.name
        ],
    )


def _checks(of: Table) -> str:
    return _table_unless_empty(
        ("check", "rule", "why"),
        [
            (
                code(each.name),
                code(each.definition.removeprefix("CHECK (").removesuffix(")")),
                text(each.comment),
            )
            for each in of.constraints
            if each.kind == "check"
        ],
    )


def _indexes(of: Table) -> str:
    return _table_unless_empty(
        ("index", "of", "for"),
        [
            (
                code(each.name),
                f"{'unique ' if each.unique else ''}{code(each.definition)}",
                text(each.comment),
            )
            for each in of.indexes
        ],
    )


def _triggers(of: Table) -> str:
    return _table_unless_empty(
        ("trigger", "when", "what it does"),
        [(code(each.name), code(each.definition), text(each.comment)) for each in of.triggers],
    )


def _rights(of: Table) -> str:
    rights = _table_unless_empty(
        ("role", "may"),
        [
            (
                code(each.role),
                ", ".join(each.privileges)
                + (f" of {_names(each.columns)}" if each.columns else ""),
            )
            for each in of.rights
        ],
    )
    rows = (
        _table_unless_empty(("rows", "role", "for"), list(_policies(of.policies)))
        if of.row_security
        else ""
    )
    return "\n\n".join(filter(None, (rights, rows)))


def _policies(policies: Iterable[Policy]) -> Iterator[tuple[str, str, str]]:
    for each in policies:
        rows = code(each.using or "true")
        if each.check and each.check != each.using:
            rows += f", written ones {code(each.check)}"
        if not each.permissive:
            rows += " (and no other)"
        yield rows, _names(each.roles), each.command


def _names(names: Iterable[str]) -> str:
    return ", ".join(map(code, names))


def _table_unless_empty(heading: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    return table(heading, rows) if rows else ""
