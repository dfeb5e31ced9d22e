"""A context of the tests' own with a table that is kept by month: entries in diaries."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

from pydantic import AwareDatetime

from eventstore import Append, Event, EventStore, RecordedEvent
from projections.projection import Projection, Rows, on
from projections.row import Row, table

FILE = Path(__file__).with_name("diary_v1.sql")

DDL = f"""
SELECT set_config('search_path', 'projections, public', true);
{FILE.read_text(encoding="utf-8")}
INSERT INTO projections.live_tables (table_name, projection, projection_version, ordinal)
VALUES ('books', 'diary', 1, 1), ('entries', 'diary', 1, 2);
""".encode()
"""Makes the live tables, as a migration would."""


class EntryWritten(Event, event_type="diary.entry_written"):
    book: str
    entry_id: UUID
    text: str


class EntryChanged(Event, event_type="diary.entry_changed"):
    """Of an entry that was written at that time."""

    book: str
    entry_id: UUID
    written_at: AwareDatetime
    text: str


class EntryTorn(Event, event_type="diary.entry_torn"):
    book: str
    entry_id: UUID
    written_at: AwareDatetime


@table("books", key="book", named_by=("book",))
class Book(Row):
    book: str
    entries: int = 0


@table(
    "entries",
    key=("entry_id", "created_at"),
    named_by=(("entry_id", "written_at"), ("entry_id", "occurred_at")),
    by_month="created_at",
)
class Entry(Row):
    entry_id: UUID
    book: str
    text: str
    stars: list[int]


class Diary(Projection, name="diary", tables=(Book, Entry), shard_by="book"):
    @on(EntryWritten)
    def written(self, event: EntryWritten, recorded: RecordedEvent, rows: Rows) -> None:
        book = rows.find(Book)
        if book is None:
            rows.add(Book(book=event.book, entries=1))
        else:
            book.entries += 1
        rows.add(Entry(entry_id=event.entry_id, book=event.book, text=event.text, stars=[]))

    @on(EntryChanged)
    def changed(self, event: EntryChanged, recorded: RecordedEvent, rows: Rows) -> None:
        entry = rows.get(Entry)
        entry.text, entry.stars = event.text, [*entry.stars, 1]

    @on(EntryTorn)
    def torn(self, event: EntryTorn, recorded: RecordedEvent, rows: Rows) -> None:
        rows.get(Book).entries -= 1
        rows.remove(Entry)


def entry(n: int, book: str = "ann") -> UUID:
    """The id of a book's entry of the n-th month."""
    return UUID(int=ord(book[0]) << 32 | n)


def month(n: int) -> datetime:
    """A moment in the n-th month after 2019."""
    return datetime(2020 + n // 12, 1 + n % 12, 15, 12, tzinfo=UTC)


def write(store: EventStore, *months: int, book: str = "ann", text: str = "dear diary") -> None:
    """An entry in each of these months."""
    for n in months:
        event = EntryWritten(book=book, entry_id=entry(n, book), text=text)
        store.append_many([Append(f"diary-{book}", [event], occurred_at=month(n))])


def change(store: EventStore, *months: int, book: str = "ann", text: str = "changed") -> None:
    """Changes the entries of these months."""
    for n in months:
        event = EntryChanged(book=book, entry_id=entry(n, book), written_at=month(n), text=text)
        store.append(f"diary-{book}", [event])
