"""Embeddings come after the commit, by the hook or a backfill, once each, never in a fold."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from eventstore import EventStore, RecordedEvent
from eventstore.encoding.vector import Vector
from projections.builds.rebuild import rebuild
from projections.errors import HookFailed
from projections.search import search
from projections.search.backfill import backfill
from projections.search.hashing import HashingEmbedder
from projections.search.hook import EmbedHook
from projections.session import Connection
from tests.integration.projections.running import catch_up, number, replayed, stored
from tests.integration.search.notes import (
    NOTES,
    Note,
    NoteChanged,
    NoteEmbedded,
    NoteFiled,
    NoteRemoved,
    Notes,
    NoteWritten,
)


class Counting(HashingEmbedder):
    """Says what it was asked, and fails as often as it is told to."""

    def __init__(self, name: str = "counting", failing: int = 0) -> None:
        self.name, self.failing = name, failing
        self.texts: list[str] = []

    def embed(self, texts: Sequence[str]) -> list[Vector]:
        if self.failing:
            self.failing -= 1
            raise RuntimeError("the model is out of order")
        self.texts += texts
        return super().embed(texts)


def written(n: int, text: str = "some words") -> NoteWritten:
    return NoteWritten(note_id=number(n), title=f"note {n}", content={"text": text})


def project(url: str, *embedders: Counting) -> dict[str, Exception]:
    """Applies all there is; hooks are told of it, and what they append is applied too."""
    hooks = [EmbedHook(url, Notes(), each) for each in embedders]
    failures: dict[str, Exception] = {}
    for _ in range(3 if hooks else 1):
        failures |= catch_up(url, Notes(), hooks=hooks)
    return failures


def models(conn: Connection) -> dict[int, str | None]:
    """Which model's embedding each note has."""
    notes = stored(conn, Notes())["notes"].values()
    return {note["id"].int: note["embedding_model"] for note in notes}


def embeddings(store: EventStore) -> list[RecordedEvent]:
    return list(store.read_all(event_types=["notes.note_embedded"]))


def test_the_hook_embeds_what_was_written(store: EventStore, url: str, conn: Connection) -> None:
    project(url, Counting())  # from here on it is told
    receipt = store.append("note-1", [written(1)], agent="ann")
    store.append("note-2", [written(2, "other words"), NoteFiled(note_id=number(2), kind="x")])
    asked = Counting()
    assert not project(url, asked)
    assert sorted(asked.texts) == [
        'note 1\n\n{"text":"some words"}',
        'note 2\n\n{"text":"other words"}',
    ]
    assert models(conn) == {1: "counting", 2: "counting"}
    first, second = embeddings(store)
    assert isinstance(first.event, NoteEmbedded)
    assert (first.stream_id, first.agent) == (f"embedding-notes-{number(1)}", "embedder")
    assert first.causation_id == first.correlation_id == receipt.event_ids[0]
    assert second.causation_id is not None
    assert stored(conn, Notes()) == replayed(conn, Notes())
    assert search(store, NOTES, "other", embedder=asked)[0].key == (number(2),)


def test_only_a_text_that_changed_is_embedded_again(
    store: EventStore, url: str, conn: Connection
) -> None:
    project(url, Counting())
    store.append("note-1", [written(1)])
    project(url, Counting())
    store.append("note-1", [NoteFiled(note_id=number(1), kind="x")])
    asked = Counting()
    project(url, asked)
    assert asked.texts == []
    there = written(1).content
    store.append("note-1", [NoteChanged(note_id=number(1), content={"text": "new"})])
    project(url, asked)
    store.append("note-1", [NoteChanged(note_id=number(1), content=there)])
    project(url, asked)
    assert len(asked.texts) == 2, "the second text is the first one again, and was forgotten"
    assert models(conn) == {1: "counting"}


def test_what_is_told_twice_is_recorded_once(
    store: EventStore, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    project(url, Counting())
    store.append("note-1", [written(1)])
    hook, told = EmbedHook(url, Notes(), Counting()), 0
    once = EmbedHook.after_commit

    def twice(self: EmbedHook, changes: Any) -> None:
        nonlocal told
        told += 1
        once(self, changes)
        once(self, changes)
        if told == 1:
            raise RuntimeError("killed before it could say that it was done")

    monkeypatch.setattr(EmbedHook, "after_commit", twice)
    for _ in range(3):
        catch_up(url, Notes(), hooks=[hook])
    assert told > 1
    assert len(embeddings(store)) == 1


def test_a_model_out_of_order_holds_up_nothing_but_itself(
    store: EventStore, url: str, conn: Connection
) -> None:
    project(url, Counting())
    store.append("note-1", [written(1)])
    failures = catch_up(url, Notes(), hooks=[EmbedHook(url, Notes(), Counting(failing=1))])
    assert all(isinstance(each, HookFailed) for each in failures.values())
    assert models(conn) == {1: None}
    project(url, Counting())
    assert models(conn) == {1: "counting"}


def test_late_and_lost_texts_do_no_harm(store: EventStore, url: str, conn: Connection) -> None:
    """An embedding of what a row said before, or of a row that is gone, changes nothing."""
    store.append("note-1", [written(1)])
    store.append("note-2", [written(2)])
    assert not catch_up(url, Notes())
    asked = Counting()
    assert backfill(store, NOTES, asked) == 2  # not applied yet
    store.append("note-1", [NoteChanged(note_id=number(1), content={"text": "new"})])
    store.append("note-2", [NoteRemoved(note_id=number(2))])
    later = embeddings(store)
    for recorded, n in zip(later, (1, 2), strict=True):
        assert isinstance(recorded.event, NoteEmbedded)
        store.append(f"late-{n}", [recorded.event.model_copy(update={"model": "late"})])
    assert not catch_up(url, Notes())
    assert models(conn) == {1: None}
    assert stored(conn, Notes()) == replayed(conn, Notes())


def test_a_backfill_embeds_what_is_not_yet(store: EventStore, url: str, conn: Connection) -> None:
    for n in range(1, 8):
        store.append(f"note-{n}", [written(n)])
    store.append("note-8", [NoteWritten(note_id=number(8), title=" ", content={})])
    with EventStore.open(url, tenant="theirs") as others:
        others.append("note-9", [written(9)])
    assert not catch_up(url, Notes())
    asked, heard = Counting(), list[int]()
    assert backfill(store, NOTES, asked, report=heard.append) == 8
    assert backfill(store, NOTES, Counting()) == 0, "they are recorded, if not applied yet"
    assert len(embeddings(store)) == 8, "and recorded once"
    assert heard == [8]
    assert not catch_up(url, Notes())
    assert models(conn) == dict.fromkeys(range(1, 9), "counting") | {9: None}
    assert backfill(store, NOTES, Counting()) == 0
    assert backfill(store, NOTES, Counting("another")) == 8
    assert not catch_up(url, Notes())
    assert set(models(conn).values()) == {"another", None}


def test_a_rebuild_needs_no_model(store: EventStore, url: str, conn: Connection) -> None:
    store.append("note-1", [written(1)])
    project(url, Counting())
    backfill(store, NOTES, Counting())
    project(url)
    before = stored(conn, Notes())
    asked = Counting(failing=10**6)
    rebuild(url, Notes())
    catch_up(url, Notes(), hooks=[EmbedHook(url, Notes(), asked)])
    assert stored(conn, Notes()) == before
    assert models(conn) == {1: "counting"}
    assert asked.failing == 10**6
    found = search(store, NOTES, vector=Vector(before["notes"]["default", number(1)]["embedding"]))
    assert found[0].key == (number(1),)
    assert Note.SEARCHED == ("title", "content")
