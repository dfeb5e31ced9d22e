"""Search by meaning, by words and by both: what is found, by whom, and how quickly."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import psycopg
import pytest
from psycopg.sql import SQL, Identifier

from eventstore import Event, EventStore
from eventstore.connection.database import connect
from eventstore.embedded import EmbeddedServer
from eventstore.encoding.vector import Vector
from eventstore.vocabulary.embedding import text_hash
from projections.audit.verify import verify
from projections.embedding import text_of
from projections.errors import SearchRefused, UnknownColumn, UnknownTable, Unstorable
from projections.search import Found, search
from projections.search.hashing import HashingEmbedder
from projections.search.search import _composed
from projections.session import Connection
from tests.integration.projections.running import catch_up, number
from tests.integration.search.notes import NOTES, Note, NoteEmbedded, Notes, NoteWritten

TEXTS = {
    1: ("Turbines", "A wind turbine turns wind into power"),
    2: ("Wheels", "A wheel of a train is made of steel"),
    3: ("Sails", "Sails use the wind, as turbines do, to move a ship"),
    4: ("Ovens", "Bread is baked at 220 degrees"),
}
VECTORS = {1: [1.0, 0.1, 0.0], 2: [0.1, 1.0, 0.2], 3: [0.8, 0.3, 0.0], 4: [0.0, 0.0, 1.0]}


def written(n: int, kind: str = "plain") -> list[Event]:
    """A note, and what a model says of it."""
    title, text = TEXTS[n]
    content = {"text": text}
    vector = Vector(VECTORS[n])
    hashed = text_hash(text_of(Note, {"title": title, "content": content}))
    return [
        NoteWritten(note_id=number(n), title=title, content=content, kind=kind),
        NoteEmbedded(
            note_id=number(n), model="three", dimensions=3, vector=vector, text_hash=hashed
        ),
    ]


@pytest.fixture
def filled(store: EventStore, url: str) -> EventStore:
    for n in TEXTS:
        store.append(f"note-{n}", written(n, kind="odd" if n % 2 else "even"))
    with EventStore.open(url, tenant="theirs") as others:
        others.append("note-1", written(1))
    assert not catch_up(url, Notes())
    return store


def keys(found: list[Found]) -> list[int]:
    """Which notes they are."""
    return [next(n for n in TEXTS if number(n) == each.key[0]) for each in found]


def test_by_meaning(filled: EventStore) -> None:
    found = search(filled, NOTES, vector=Vector([1, 0, 0]))
    assert keys(found) == [1, 3, 2, 4]
    first = found[0]
    assert first.similarity == pytest.approx(0.99503719)
    assert first.score == first.similarity
    assert (first.vector_place, first.text_place, first.text_rank) == (1, None, None)
    assert (first.title, first.tenant_id, first.table) == ("Turbines", "default", "notes")
    assert "wind turbine" in first.snippet


def test_by_words(filled: EventStore) -> None:
    found = search(filled, NOTES, "turbine")
    assert keys(found) == [1, 3]  # a title counts for more
    assert (found[0].text_place, found[0].vector_place, found[0].similarity) == (1, None, None)
    assert found[0].score == found[0].text_rank
    assert "turbines" in found[1].snippet
    assert keys(search(filled, NOTES, "wind -ship")) == [1]
    assert keys(search(filled, NOTES, '"made of steel"')) == [2]
    assert search(filled, NOTES, "zebra") == []
    assert search(filled, NOTES, "the") == []


def test_by_both(filled: EventStore) -> None:
    """What both find comes first, then what only one has, by its place."""
    found = search(filled, NOTES, "bread or sails", vector=Vector([1, 0, 0]), limit=3)
    places = {
        n: (each.vector_place, each.text_place) for n, each in zip(keys(found), found, strict=True)
    }
    assert places.pop(1) == (1, None)
    assert {places[3][0], places[4][0]} == {2, 4}
    assert {places[3][1], places[4][1]} == {1, 2}
    for each in found:
        fused = sum(1 / (60 + place) for place in (each.vector_place, each.text_place) if place)
        assert each.score == pytest.approx(fused)
    assert [each.score for each in found] == sorted((each.score for each in found), reverse=True)


@pytest.mark.parametrize("mode", ["vector", "text", "hybrid"])
def test_filters_and_limits(filled: EventStore, mode: Any) -> None:
    def found(**said: Any) -> set[int]:
        return set(
            keys(
                search(filled, NOTES, "wind or steel", vector=Vector([1, 0, 0]), mode=mode, **said)
            )
        )

    assert found(filters={"kind": "odd"}) == {1, 3}
    assert found(filters={"kind": "odd", "id": number(3)}) == {3}
    assert found(filters={"id": [str(number(1)), number(3)]}) == {1, 3}
    assert found(filters={"kind": "none"}) == set()
    assert found(filters={"kind": []}) == set()
    assert len(found(limit=1)) == 1


def test_only_vectors_of_one_model_are_compared(filled: EventStore) -> None:
    assert search(filled, NOTES, vector=Vector([1, 0, 0]), model="other") == []
    assert len(search(filled, NOTES, vector=Vector([1, 0, 0]), model="three")) == 4
    assert search(filled, NOTES, "wind", embedder=HashingEmbedder(), mode="vector") == []
    assert keys(search(filled, NOTES, "wind", embedder=HashingEmbedder())) == [1, 3]


def test_a_tenant_finds_its_own(filled: EventStore, url: str) -> None:
    with EventStore.open(url, tenant="theirs") as others:
        for mode in ("vector", "text", "hybrid"):
            (only,) = search(others, NOTES, "wind", vector=Vector([1, 0, 0]), mode=mode)
            assert (only.tenant_id, keys([only])) == ("theirs", [1])


NO_SEARCHES: list[tuple[dict[str, Any], type[Exception]]] = [
    ({}, SearchRefused),
    ({"text": "  "}, SearchRefused),
    ({"text": "wind\x00"}, SearchRefused),
    ({"text": "wind\udcff"}, SearchRefused),
    ({"text": "wind", "filters": {"kind": "\x00"}}, SearchRefused),
    ({"text": "wind", "filters": {"kind": "\udcff"}}, Unstorable),
    ({"text": "wind", "mode": "vector"}, SearchRefused),
    ({"text": "wind", "mode": "hybrid"}, SearchRefused),
    ({"vector": Vector([1]), "mode": "text"}, SearchRefused),
    ({"text": "wind", "mode": "best"}, SearchRefused),
    ({"text": "wind", "limit": 0}, SearchRefused),
    ({"text": "wind", "limit": 1001}, SearchRefused),
    ({"text": "wind", "filters": {"sort": "odd"}}, UnknownColumn),
    ({"text": "wind", "filters": {"id": "odd"}}, SearchRefused),
]


def test_what_is_no_search(store: EventStore) -> None:
    for said, error in NO_SEARCHES:
        with pytest.raises(error):
            search(store, NOTES, **said)


def test_only_some_tables_can_be_searched(store: EventStore) -> None:
    with pytest.raises(UnknownTable, match="searchable"):
        search(store, "packages", "wind")


def test_the_tables_are_what_a_replay_says(filled: EventStore, url: str) -> None:
    found = verify(url, Notes())
    assert (found.wrong, found.failed) == (0, 0)


def test_words_are_found_by_the_index(filled: EventStore, conn: Connection, url: str) -> None:
    """Also by an auditor, whom row security keeps from using it directly."""
    conn.execute(
        "INSERT INTO notes (tenant_id, id, title, content, kind, created_at, updated_at, position) "
        "SELECT 'default', gen_random_uuid(), 'filler ' || n, '{}', 'f', now(), now(), n "
        "FROM generate_series(1000, 12000) AS n"
    )
    with connect(url, role="owner") as owner:
        owner.execute("ANALYZE notes")
    query = _composed(NOTES, "text", 0, ("kind",), of_model=False)
    facts = {
        "table": "notes",
        "text": "filler 5000",
        "filters": '{"kind": [{"kind": "f"}]}',
        "limit": 10,
        "candidates": 50,
    }
    with filled.database.reading() as reader, reader.transaction():
        assert len(reader.execute(query, facts).fetchall()) == 1
        scans = reader.execute(
            "SELECT pg_stat_get_xact_numscans('notes'::regclass), "
            "pg_stat_get_xact_numscans('notes_words'::regclass)"
        ).fetchone()
    assert scans == (0, 1), "scans of the whole table, and of the index"


@pytest.mark.parametrize(("tenant", "own"), [("theirs", [1]), (None, [])])
def test_a_login_finds_its_own_tenant_s_rows_whatever_it_sets(
    filled: EventStore, server: EmbeddedServer, database: str, tenant: str | None, own: list[int]
) -> None:
    """Bound to a tenant, or to none; the function itself must know, for no policy protects it."""
    login = f"{database}_auditor"
    with psycopg.connect(server.admin_url(database), autocommit=True) as admin:
        admin.execute(SQL("CREATE ROLE {} LOGIN").format(Identifier(login)))
        try:
            admin.execute(SQL("GRANT eventstore_auditor TO {}").format(Identifier(login)))
            if tenant is not None:
                admin.execute("SELECT eventstore.bind_login(%s, %s)", [login, tenant])
            with psycopg.connect(server.url(database, user=login), autocommit=True) as theirs:
                for setting in ("theirs", "default", "*"):
                    theirs.execute("SELECT set_config('eventstore.tenant', %s, false)", [setting])
                    found = theirs.execute(
                        "SELECT key ->> 'tenant_id', (key ->> 'id')::uuid "
                        "FROM projections.found_by_words('notes', 'wind | bread', '{}', 10)"
                    ).fetchall()
                    assert found == [("theirs", number(n)) for n in own]
        finally:
            admin.execute(SQL("DROP OWNED BY {}").format(Identifier(login)))
            admin.execute(SQL("DROP ROLE {}").format(Identifier(login)))


def test_ids_are_typed(filled: EventStore) -> None:
    (found,) = search(filled, NOTES, "bread")
    assert isinstance(found.key[0], UUID)
