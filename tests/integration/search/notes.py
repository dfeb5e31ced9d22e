"""A context of the tests' own with a searchable table, whose text is partly JSON."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from uuid import UUID

from eventstore import Event, RecordedEvent
from eventstore.encoding.vector import Vector
from eventstore.vocabulary.embedding import Embedded
from projections.embedding import take_embedding
from projections.projection import Projection, Rows, on
from projections.row import Row, table
from projections.search.searchable import searchables

FILE = Path(__file__).with_name("notes_v1.sql")

DDL = f"""
SELECT set_config('search_path', 'projections, public', true);
{FILE.read_text(encoding="utf-8")}
INSERT INTO projections.live_tables (table_name, projection, projection_version, ordinal)
VALUES ('notes', 'notes', 1, 1);
""".encode()
"""Makes the live table, as a migration would."""


class NoteWritten(Event, event_type="notes.note_written"):
    note_id: UUID
    title: str
    content: dict[str, Any]
    kind: str = "plain"


class NoteChanged(Event, event_type="notes.note_changed"):
    note_id: UUID
    content: dict[str, Any]


class NoteFiled(Event, event_type="notes.note_filed"):
    """Its text stays as it is."""

    note_id: UUID
    kind: str


class NoteRemoved(Event, event_type="notes.note_removed"):
    note_id: UUID


class NoteEmbedded(Embedded, event_type="notes.note_embedded"):
    note_id: UUID


@table("notes", key="id", named_by=("note_id",), searched=("title", "content"))
class Note(Row):
    id: UUID
    title: str
    content: dict[str, Any]
    kind: str
    embedding: Vector | None = None
    embedding_model: str | None = None


class Notes(Projection, name="notes", tables=(Note,)):
    @on(NoteWritten)
    def written(self, event: NoteWritten, recorded: RecordedEvent, rows: Rows) -> None:
        rows.add(Note(id=event.note_id, title=event.title, content=event.content, kind=event.kind))

    @on(NoteChanged)
    def changed(self, event: NoteChanged, recorded: RecordedEvent, rows: Rows) -> None:
        note = rows.get(Note)
        note.content = event.content
        note.embedding = note.embedding_model = None

    @on(NoteFiled)
    def filed(self, event: NoteFiled, recorded: RecordedEvent, rows: Rows) -> None:
        rows.get(Note).kind = event.kind

    @on(NoteRemoved)
    def removed(self, event: NoteRemoved, recorded: RecordedEvent, rows: Rows) -> None:
        rows.remove(Note)

    @on(NoteEmbedded)
    def embedded(self, event: NoteEmbedded, recorded: RecordedEvent, rows: Rows) -> None:
        take_embedding(Note, event, rows)


(NOTES,) = searchables(Notes())
"""The table, to be searched without an entry point."""
