"""The pages about tables: a chapter for the log, one for the engine, and one for each context."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final

from eventstore.event import Event
from projections.catalogue import all_projections
from projections.reference.diagram import COMMON, diagram
from projections.reference.event_pages import events_page
from projections.reference.event_schema import context_of
from projections.reference.markdown import code, link, page, table, text
from projections.reference.table_page import table_page
from projections.reference.tables import Table

__all__ = ["MARK", "Chapter", "chapters", "reference_files"]

MARK: Final = "Made by `eventstore docs schema` from the comments in the database: change those."


@dataclass(frozen=True, slots=True)
class Chapter:
    """Tables and events that belong together."""

    name: str
    """That of its folder."""
    purpose: str | None
    tables: Sequence[Table]
    events: Sequence[type[Event]]


def chapters(
    tables: Iterable[Table], events: Iterable[type[Event]], schemas: Mapping[str, str | None]
) -> list[Chapter]:
    """The log, the engine, then the contexts in order of name."""
    grouped: dict[str, list[Table]] = {"log": [], "engine": []}
    for each in tables:
        own = "log" if each.schema == "eventstore" else "engine"
        grouped.setdefault(each.projection or own, []).append(each)
    said = {
        {"projections": "engine", "stream": "log"}.get(context, context): list(of_context)
        for context, of_context in groupby(events, context_of)
    }
    about = {"log": schemas.get("eventstore"), "engine": schemas.get("projections")}
    about |= {each.name: type(each).__doc__ for each in all_projections()}
    names = ("log", "engine", *sorted((grouped.keys() | said.keys()) - {"log", "engine"}))
    return [
        Chapter(name, about.get(name), grouped.get(name, []), said.get(name, [])) for name in names
    ]


def reference_files(chapters: Sequence[Chapter]) -> dict[str, str]:
    """The content of each page by its path below the folder of the reference."""
    tables = [each for chapter in chapters for each in chapter.tables]
    files = {"README.md": _contents(chapters)}
    for chapter in chapters:
        files[f"{chapter.name}/README.md"] = _chapter_page(chapter)
        links = {
            each.name: f"{each.name}.md" if other is chapter else f"../{other.name}/{each.name}.md"
            for other in chapters
            for each in other.tables
        }
        for each in chapter.tables:
            files[f"{chapter.name}/{each.name}.md"] = table_page(MARK, each, links, tables)
        if chapter.events:
            events = events_page(MARK, chapter.name, chapter.events, "../events")
            files[f"{chapter.name}/events.md"] = events
    return files


def _contents(chapters: Iterable[Chapter]) -> str:
    return page(
        MARK,
        "# Reference",
        "A page for every table, and one for the events of each context. The pages are made from "
        "the database's own comments and from the event classes (`make docs`), and a check fails "
        "when they differ. Row security is on wherever rows belong to a tenant: a login sees those "
        "of its own alone. The [schemas of the events](events/README.md) are there as JSON Schema.",
        table(
            ("chapter", "tables", "events", "what it has"),
            (
                (
                    f"[{each.name}]({each.name}/README.md)",
                    str(len(each.tables)),
                    f"[{len(each.events)}]({each.name}/events.md)" if each.events else "",
                    text(each.purpose),
                )
                for each in chapters
            ),
        ),
    )


def _chapter_page(chapter: Chapter) -> str:
    drawn = [each for each in chapter.tables if each.kind == "table"]
    read_models = any(each.projection for each in drawn)
    common = ", ".join(map(code, COMMON))
    return page(
        MARK,
        f"# {chapter.name}",
        text(chapter.purpose),
        "What its agents can say: [events](events.md)." if chapter.events else "",
        table(
            ("table", "what it has"),
            ((link(each.name, f"{each.name}.md"), text(each.comment)) for each in chapter.tables),
        )
        if chapter.tables
        else "",
        diagram(drawn) if drawn else "",
        f"Each table has {common} as well, and the tenant is part of each of its keys."
        if read_models
        else "",
    )
