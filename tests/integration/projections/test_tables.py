"""The SQL file of a projection: where it is found, and what it may make."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from uuid import UUID

import psycopg
import pytest

from eventstore.connection.database import connect
from projections.builds.rebuild import rebuild
from projections.catalogue import PROJECTIONS
from projections.errors import TablesNotMade
from projections.projection import Projection
from projections.row import Row, table
from projections.session import Connection
from projections.tables import sql_file, template
from tests.integration.projections.running import checkpoint
from tests.integration.projections.things import Things

NOTES = """
CREATE TABLE notes (
    tenant_id text COLLATE "C" NOT NULL,
    id uuid NOT NULL,
    words text NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    position bigint NOT NULL,
    PRIMARY KEY (tenant_id, id)
);
"""
PROTECT = "SELECT projections.protect('notes');"


@table("notes", key="id", named_by=("note_id",))
class Note(Row):
    id: UUID
    words: str


@pytest.fixture
def notes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Projection:
    """A projection whose module lies in a folder of the test's own."""
    module = ModuleType("notes_of_a_test")
    module.__file__ = str(tmp_path / "notes_of_a_test.py")
    monkeypatch.setitem(sys.modules, module.__name__, module)
    body = {"__module__": module.__name__}
    made = type("Notes", (Projection,), body, name="notes", version=3, tables=(Note,))
    projection = made()
    assert isinstance(projection, Projection)
    return projection


@pytest.fixture
def owner(url: str) -> Iterator[Connection]:
    with connect(url, role="owner") as opened:
        yield opened


def left(conn: psycopg.Connection[tuple[object, ...]]) -> list[tuple[object, ...]]:
    """Schemas of templates that are there."""
    return conn.execute(
        "SELECT nspname FROM pg_namespace WHERE nspname LIKE 'projections_template%'"
    ).fetchall()


def test_the_newest_file_that_is_not_newer_than_the_rules(
    notes: Projection, tmp_path: Path
) -> None:
    with pytest.raises(TablesNotMade, match=r"notes_v1\.sql: no such file in .*" + tmp_path.name):
        sql_file(notes)
    for number in (1, 2, 4):
        (tmp_path / f"notes_v{number}.sql").touch()
    assert sql_file(notes).name == "notes_v2.sql"
    (tmp_path / "notes_v3.sql").touch()
    assert sql_file(notes).name == "notes_v3.sql"


def test_rules_that_build_on_others_have_their_file() -> None:
    class Newer(Things, name="things", tables=Things.tables, version=2):
        pass

    assert sql_file(Newer()) == sql_file(Things()) == Path(__file__).with_name("things_v1.sql")


def test_a_class_of_no_file_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "typed_in", ModuleType("typed_in"))
    made = type("Loose", (Projection,), {"__module__": "typed_in"}, name="loose", tables=(Note,))
    with pytest.raises(TablesNotMade, match="no such file"):
        sql_file(made())


def test_a_template_is_there_for_a_moment_and_empty(url: str, owner: Connection) -> None:
    path = owner.execute("SHOW search_path").fetchone()
    for projection in (*PROJECTIONS, Things()):
        with template(owner, projection) as schema:
            assert left(owner) == [(schema,)]
            assert owner.execute("SHOW search_path").fetchone() == path
            for each in projection.tables:
                found = owner.execute(f"SELECT count(*) FROM {schema}.{each.TABLE}".encode())
                assert found.fetchone() == (0,)
            with connect(url, role="owner") as another, template(another, projection) as second:
                assert left(another) == [(second,)]
        assert left(owner) == []


def test_nothing_is_left_of_a_template_when_the_block_fails(owner: Connection) -> None:
    with pytest.raises(ZeroDivisionError), template(owner, Things()):
        raise ZeroDivisionError
    assert left(owner) == []
    assert owner.info.transaction_status == psycopg.pq.TransactionStatus.IDLE


MISTAKES = [
    (f"{NOTES}CREATE TABEL x ();", 'line 11: syntax error at or near "TABEL"'),
    (f"{NOTES}SELECT protect('notes');", "line 11: function protect"),
    (f"{NOTES}SELECT 1 / 0;", "division by zero"),
    ("", "makes no table notes"),
    (NOTES, r"add SELECT projections\.protect\('notes'\)"),
    (f"{NOTES}CREATE TABLE more (); {PROTECT}", "the table more, which is no table of the"),
    (f"{NOTES}CREATE VIEW v AS SELECT 1; {PROTECT}", "the view v, "),
    (f"{NOTES}CREATE SEQUENCE s; {PROTECT}", "the sequence s, "),
    (f"{NOTES}CREATE TYPE mood AS ENUM ('fine'); {PROTECT}", "the type mood, "),
    (f"{NOTES}CREATE FUNCTION one() RETURNS int RETURN 1; {PROTECT}", "the function one, "),
    (NOTES.replace("TABLE", "UNLOGGED TABLE") + PROTECT, "unlogged table"),
    (
        NOTES.replace(");", ") PARTITION BY LIST (tenant_id);") + PROTECT,
        r"is partitioned by LIST \(tenant_id\), and its rows are kept by no month",
    ),
    (NOTES.replace("words text NOT NULL,", "") + PROTECT, "no column words"),
    (NOTES.replace("words", "more text, words") + PROTECT, "a column more, which its rows"),
    (NOTES.replace("(tenant_id, id)", "(id)") + PROTECT, r"no PRIMARY KEY \(tenant_id, id\)"),
    (
        f"{NOTES}ALTER TABLE notes ADD FOREIGN KEY (tenant_id, id) "
        f"REFERENCES projections.things; {PROTECT}",
        "points to .*things, outside",
    ),
]


def test_a_mistake_in_the_file_is_named(
    url: str, conn: Connection, notes: Projection, tmp_path: Path
) -> None:
    for made, reason in MISTAKES:
        (tmp_path / "notes_v3.sql").write_text(made)
        with pytest.raises(TablesNotMade, match=reason) as caught:
            rebuild(url, notes)
        assert caught.value.file.endswith("notes_v3.sql")
        assert left(conn) == []
        assert checkpoint(conn, "notes", "rebuild") is None


def test_what_a_file_makes_right_is_installed(
    url: str, conn: Connection, notes: Projection, tmp_path: Path
) -> None:
    (tmp_path / "notes_v2.sql").write_text(NOTES + PROTECT)
    rebuild(url, notes)
    assert conn.execute("SELECT count(*) FROM notes").fetchone() == (0,)
