"""Migrations up and down, on empty and on filled databases, and by whom."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from threading import Barrier

import psycopg
import pytest
from psycopg.sql import SQL, Identifier

from eventstore import Event, EventStore
from eventstore.embedded import EmbeddedServer
from eventstore.errors import ConfigurationError, PermissionDenied, SchemaMismatch
from eventstore.registry import EventRegistry
from eventstore.schema import bootstrap, checks, migrate
from eventstore.schema import revision as schema

registry = EventRegistry()
HEAD = schema.revisions()[-1]
FIRST = schema.revisions()[0]


class Noted(Event, event_type="test.noted", registry=registry):
    text: str


def fill(url: str) -> list[str]:
    with EventStore.open(url, registry=registry) as store:
        for number in range(3):
            store.append(f"note-{number}", [Noted(text=f"{number}-{n}") for n in range(10)])
    return texts(url)


def texts(url: str) -> list[str]:
    with EventStore.open(url, registry=registry) as store:
        return [recorded.payload["text"] for recorded in store.read_all()]


def prepared(server: EmbeddedServer, database: str) -> str:
    bootstrap.bootstrap(server.admin_url(database), "eventstore")
    return server.url(database)


def test_each_step_up_and_down_on_an_empty_database(
    server: EmbeddedServer, empty_database: str
) -> None:
    url = prepared(server, empty_database)
    before: str | None = None
    for revision in schema.revisions():
        assert migrate.upgrade(url, "+1") == migrate.Move(before, revision)
        before = revision
    migrate.check(url)
    for after in [*reversed(schema.revisions()[:-1]), None]:
        assert migrate.downgrade(url, "-1") == migrate.Move(before, after)
        before = after
    assert migrate.current(url) is None


def test_down_to_the_log_and_up_again_keeps_every_event(database_url: str) -> None:
    said = fill(database_url)
    assert len(said) == 30
    migrate.downgrade(database_url, FIRST)
    migrate.upgrade(database_url)
    assert texts(database_url) == said
    assert len(fill(database_url)) == 60


def test_all_the_way_down_and_up_on_a_filled_database(database_url: str) -> None:
    fill(database_url)
    assert migrate.downgrade(database_url, "base") == migrate.Move(HEAD, None)
    assert migrate.upgrade(database_url) == migrate.Move(None, HEAD)
    assert texts(database_url) == []
    assert len(fill(database_url)) == 30


def test_a_detached_month_gets_the_columns_that_came_later(
    database_url: str, admin_url: str
) -> None:
    said = fill(database_url)
    migrate.downgrade(database_url, "0012_many_streams")
    with closing(psycopg.connect(admin_url, autocommit=True)) as connection:
        names = [
            Identifier("eventstore", name)
            for (name,) in connection.execute(
                "SELECT name FROM eventstore.partitions WHERE retention_class = 'work'"
            )
        ]
        for name in names:
            detach = SQL("ALTER TABLE eventstore.events_work DETACH PARTITION {}")
            connection.execute(detach.format(name))
    migrate.upgrade(database_url)
    assert texts(database_url) == []
    with closing(psycopg.connect(admin_url, autocommit=True)) as connection:
        connection.execute("SELECT eventstore.ensure_partitions()")
    assert texts(database_url) == said
    migrate.downgrade(database_url, "0012_many_streams")


def test_history_says_what_is_applied(database_url: str) -> None:
    migrate.downgrade(database_url, FIRST)
    history = migrate.history(database_url)
    assert [each.revision for each in history] == list(schema.revisions())
    assert [each.applied for each in history] == [True] + [False] * (len(history) - 1)
    assert [each.revision for each in history if each.current] == [FIRST]
    assert all(each.summary for each in history)


def test_the_chain_of_revisions_is_the_order_of_their_names() -> None:
    """schema.py relies on it, so as not to load Alembic at start-up."""
    from alembic.script import ScriptDirectory

    scripts = ScriptDirectory(str(schema.migrations_directory()))
    chain = [script.revision for script in scripts.walk_revisions()]
    assert tuple(reversed(chain)) == schema.revisions()


def test_every_revision_has_its_frozen_files() -> None:
    for revision in schema.revisions():
        for way in ("up", "down"):
            assert (schema.migrations_directory() / "sql" / f"{revision}.{way}.sql").is_file()


@pytest.mark.parametrize(
    ("move", "reason", "cure"),
    [
        (lambda url: migrate.downgrade(url, FIRST), "behind this code", "eventstore db upgrade"),
        (lambda url: migrate.downgrade(url, "base"), "no event store", "eventstore db upgrade"),
        (lambda url: _stamp_by_hand(url, "9999_later"), "ahead of this code", "newer release"),
    ],
)
def test_a_store_is_not_opened_on_another_schema(
    database_url: str, move: Callable[[str], object], reason: str, cure: str
) -> None:
    move(database_url)
    with pytest.raises(SchemaMismatch, match=reason) as raised:
        EventStore.open(database_url)
    assert cure in raised.value.cure
    assert raised.value.expected == HEAD
    with pytest.raises(SchemaMismatch, match=reason):
        migrate.check(database_url)
    assert [finding.ok for finding in checks.inspect(database_url)] == [False]


def _stamp_by_hand(url: str, revision: str) -> None:
    with closing(psycopg.connect(url, autocommit=True)) as connection:
        connection.execute("SET ROLE eventstore_owner")
        connection.execute("UPDATE eventstore.alembic_version SET version_num = %s", [revision])


def test_a_database_that_is_ahead_is_not_touched(database_url: str) -> None:
    _stamp_by_hand(database_url, "9999_later")
    for command in (migrate.upgrade, lambda url: migrate.downgrade(url, "base")):
        with pytest.raises(SchemaMismatch, match="ahead"):
            command(database_url)
    assert migrate.current(database_url) == "9999_later"
    assert migrate.stamp(database_url, "head") == migrate.Move("9999_later", HEAD)


def test_an_unknown_revision_is_named(database_url: str) -> None:
    with pytest.raises(ConfigurationError, match=r"8888_missing.*db history"):
        migrate.upgrade(database_url, "8888_missing")
    migrate.check(database_url)


def test_a_migration_that_fails_leaves_its_predecessor(database_url: str, admin_url: str) -> None:
    """One transaction each: what succeeded stays, what failed leaves no trace."""
    migrate.downgrade(database_url, "base")
    with closing(psycopg.connect(admin_url, autocommit=True)) as connection:
        connection.execute("SET ROLE eventstore_owner")
        connection.execute("CREATE TABLE projections.checkpoints (in_the_way int)")
        with pytest.raises(Exception, match="already exists"):
            migrate.upgrade(database_url)
        assert migrate.current(database_url) == FIRST
        connection.execute("DROP TABLE projections.checkpoints")
    migrate.upgrade(database_url)
    migrate.check(database_url)


UPGRADE = (
    "import sys; from eventstore.schema import migrate; print(migrate.upgrade(sys.argv[1]).before)"
)


def test_two_upgrades_at_once(server: EmbeddedServer, empty_database: str) -> None:
    url = prepared(server, empty_database)
    command = [sys.executable, "-c", UPGRADE, url]
    racers = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    found = sorted(racer.communicate(timeout=60)[0].strip() for racer in racers)
    assert found == sorted(["None", HEAD, HEAD])
    migrate.check(url)


def test_bootstraps_at_once_in_several_databases(durable_server: EmbeddedServer) -> None:
    """Roles and memberships belong to the whole cluster, so they collide there."""
    names = [f"first_{number}" for number in range(6)]
    logins = [f"app_{number}" for number in range(5)]
    with closing(psycopg.connect(durable_server.admin_url(), autocommit=True)) as connection:
        for name in names:
            connection.execute(SQL("CREATE DATABASE {}").format(Identifier(name)))
        for login in logins:
            connection.execute(SQL("CREATE ROLE {} LOGIN").format(Identifier(login)))
    together = Barrier(len(names))

    def let_everyone_in(name: str) -> None:
        for login in logins:
            together.wait(20)
            bootstrap.bootstrap(durable_server.admin_url(name), login)

    with ThreadPoolExecutor(len(names)) as pool:
        list(pool.map(let_everyone_in, names))


@pytest.fixture
def stranger(server: EmbeddedServer) -> Iterator[str]:
    """A login with no right at all."""
    with closing(psycopg.connect(server.admin_url(), autocommit=True)) as connection:
        connection.execute("CREATE ROLE stranger LOGIN")
        yield "stranger"
        connection.execute("DROP ROLE stranger")


@pytest.mark.parametrize("bootstrapped", [False, True])
def test_a_login_without_rights_learns_what_an_administrator_must_run(
    server: EmbeddedServer, empty_database: str, stranger: str, bootstrapped: bool
) -> None:
    if bootstrapped:
        prepared(server, empty_database)
    with pytest.raises(PermissionDenied) as raised:
        migrate.upgrade(server.url(empty_database, user=stranger))
    assert f"/{empty_database} --login {stranger}" in str(raised.value)
    assert "eventstore db bootstrap --database-url" in str(raised.value)


def test_a_superuser_bootstraps_by_upgrading(server: EmbeddedServer, empty_database: str) -> None:
    url = server.admin_url(empty_database)
    assert migrate.current(url) is None
    migrate.upgrade(url)
    assert all(finding.ok for finding in checks.inspect(url))


def test_a_login_that_was_let_in_can_do_everything(
    server: EmbeddedServer, empty_database: str, stranger: str
) -> None:
    url = server.url(empty_database, user=stranger)
    bootstrap.bootstrap(server.admin_url(empty_database), stranger)
    migrate.upgrade(url)
    assert len(fill(url)) == 30
    migrate.downgrade(url, "base")
    with closing(psycopg.connect(server.admin_url(), autocommit=True)) as connection:
        for part in ("owner", "appender", "projector", "archiver", "auditor", "subscriber"):
            connection.execute(
                SQL("REVOKE {} FROM {}").format(
                    Identifier(f"eventstore_{part}"), Identifier(stranger)
                )
            )


def test_a_login_that_does_not_exist(server: EmbeddedServer, empty_database: str) -> None:
    with pytest.raises(ConfigurationError, match="no login 'nobody'"):
        bootstrap.bootstrap(server.admin_url(empty_database), "nobody")


@pytest.mark.parametrize(
    ("harm", "check"),
    [
        ("GRANT EXECUTE ON FUNCTION pg_catalog.pg_advisory_lock(bigint) TO PUBLIC", "advisory"),
        ("ALTER SEQUENCE eventstore.events_position_seq CACHE 20", "positions"),
        ("ALTER TABLE eventstore.streams NO FORCE ROW LEVEL SECURITY", "row-level"),
    ],
)
def test_a_check_finds_what_was_broken(
    database_url: str, admin_url: str, harm: str, check: str
) -> None:
    assert all(finding.ok for finding in checks.inspect(database_url))
    with closing(psycopg.connect(admin_url, autocommit=True)) as connection:
        connection.execute(harm.encode())
    broken = [finding for finding in checks.inspect(database_url) if not finding.ok]
    assert [finding.check.split()[0] for finding in broken] == [check]
    assert broken[0].cure


def test_a_check_finds_months_without_partitions(database_url: str, admin_url: str) -> None:
    with closing(psycopg.connect(admin_url, autocommit=True)) as connection:
        connection.execute("SET timezone = 'UTC'")
        row = connection.execute(
            "SELECT to_char(date_trunc('month', now()) + interval '1 month', 'YYYY_MM')"
        ).fetchone()
        assert row is not None
        partition = Identifier("eventstore", f"events_work_{row[0]}")
        detach = SQL("ALTER TABLE eventstore.events_work DETACH PARTITION {}")
        connection.execute(detach.format(partition))
        connection.execute(SQL("DROP TABLE {}").format(partition))
    broken = [finding for finding in checks.inspect(database_url) if not finding.ok]
    assert [finding.check for finding in broken] == ["partitions ahead"]
    assert broken[0].detail == f"work {row[0].replace('_', '-')}"
