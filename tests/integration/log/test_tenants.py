"""A tenant sees no foreign row and writes none, whatever it sets and whatever part it plays."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import psycopg
import pytest
from psycopg.sql import SQL, Identifier

from eventstore import ANY, EventStore, LogReader
from eventstore.connection.database import Connection, connect
from eventstore.embedded import EmbeddedServer
from eventstore.errors import ConfigurationError, PermissionDenied
from tests.integration.log.facts import FACTS, OF_EVERY_CLASS, Said, open_store
from tests.integration.log.raw_append import append
from tests.integration.log.waiting import until

OURS, THEIRS = "alpha", "bravo"


@dataclass(frozen=True)
class Login:
    """A login of one tenant, or of none."""

    name: str
    url: str

    def connect(self) -> psycopg.Connection[tuple[object, ...]]:
        return psycopg.connect(self.url, autocommit=True)


@pytest.fixture
def make_login(
    server: EmbeddedServer, database: str, admin: Connection
) -> Iterator[Callable[..., Login]]:
    """Makes logins that may append and audit, bound to a tenant if one is given."""
    made: list[str] = []

    def make(tenant: str | None, *, inherit: bool = True) -> Login:
        made.append(name := f"{database}_{tenant}_{len(made)}")
        admin.execute(SQL("CREATE ROLE {} LOGIN").format(Identifier(name)))
        admin.execute(
            SQL(
                "GRANT eventstore_appender, eventstore_auditor TO {} WITH INHERIT "
                + ("TRUE" if inherit else "FALSE")
            ).format(Identifier(name))
        )
        if tenant is not None:
            with connect(server.url(database), role="owner") as owner:
                owner.execute("SELECT eventstore.bind_login(%s, %s)", [name, tenant])
        return Login(name, server.url(database, user=name))

    yield make
    query = "SELECT FROM pg_stat_activity WHERE usename = ANY (%s)"
    until(lambda: not admin.execute(query, [made]).fetchall())  # a temporary table ends with it
    for name in made:
        admin.execute(SQL("DROP ROLE {}").format(Identifier(name)))


@pytest.fixture
def ours(make_login: Callable[..., Login]) -> Login:
    return make_login(OURS)


@pytest.fixture
def theirs(make_login: Callable[..., Login]) -> Login:
    return make_login(THEIRS)


def fill(login: Login, tenant: str) -> None:
    """Events of every class, with the tenant's name wherever there can be one."""
    with open_store(login.url, tenant) as store:
        for kind in OF_EVERY_CLASS:
            store.append(
                f"{tenant}-{kind.__name__}",
                [kind(text=tenant)],
                agent=tenant,
                target_agent=tenant,
                metadata={"of": tenant},
            )


def test_each_sees_its_own_through_the_store(ours: Login, theirs: Login) -> None:
    fill(ours, OURS)
    fill(theirs, THEIRS)
    with open_store(ours.url, OURS) as store:
        found = list(store.read_all())
        assert [recorded.agent for recorded in found] == [OURS] * len(OF_EVERY_CLASS)
        assert {recorded.tenant_id for recorded in found} == {OURS}
        assert store.stream_version(f"{THEIRS}-Said") == 0
    with open_store(theirs.url, THEIRS) as other:
        [hidden] = other.read_stream(f"{THEIRS}-Said")
    for tenant in (OURS, THEIRS):
        with open_store(ours.url, tenant) as store:
            assert store.read_event(hidden.event_id) is None
            assert list(store.read_correlation(hidden.correlation_id)) == []
            assert list(store.read_stream(hidden.stream_id)) == []
            assert store.stream_version(hidden.stream_id) == 0


SETTINGS = [
    "SELECT 1",
    f"SET eventstore.tenant = '{THEIRS}'",
    "SET eventstore.tenant = '*'",
    "SET eventstore.tenant = ''",
    f"SET eventstore.acting_tenant = '{THEIRS}'",
    "SET row_security = off",
    f"SET search_path = pg_temp; CREATE TEMP TABLE tenant_logins AS SELECT '{THEIRS}' AS tenant_id",
]
PARTS = ["SELECT 1", "SET ROLE eventstore_auditor", "SET ROLE eventstore_appender"]


@pytest.mark.parametrize("inherit", [True, False])
def test_no_relation_shows_a_foreign_row(
    make_login: Callable[..., Login], theirs: Login, admin: Connection, inherit: bool
) -> None:
    ours = make_login(OURS, inherit=inherit)
    fill(ours, OURS)
    fill(theirs, THEIRS)
    admin.execute("ANALYZE")
    visible = 0
    for setting in SETTINGS:
        for part in PARTS:
            with ours.connect() as connection:
                connection.execute(setting)
                connection.execute(part)
                seen = everything(connection, admin)
            assert THEIRS not in seen, f"after {setting}, {part}"
            visible += OURS in seen
    assert visible > 0, "nothing was shown at all, so nothing was tried"


def everything(connection: psycopg.Connection[tuple[object, ...]], admin: Connection) -> str:
    """Whatever the connection may see of the log and of what PostgreSQL tells about it."""
    relations = admin.execute(
        "SELECT oid::regclass::text FROM pg_class "
        "WHERE relnamespace = 'eventstore'::regnamespace AND relkind IN ('r', 'p', 'v', 'm', 'S')"
    )
    queries = [f"SELECT * FROM {name}" for (name,) in relations]
    queries += [
        "SELECT * FROM pg_stats WHERE schemaname = 'eventstore'",
        "SELECT * FROM pg_stat_activity WHERE pid <> pg_backend_pid()",
        "SELECT * FROM eventstore.appends_in_flight()",
        "SELECT eventstore.current_tenant()",
    ]
    seen = []
    for query in queries:
        try:
            seen += connection.execute(query).fetchall()
        except psycopg.errors.InsufficientPrivilege as error:
            seen.append((error.diag.message_primary,))
    return repr(seen)


def test_other_sessions_are_not_shown(ours: Login, theirs: Login) -> None:
    with connect(theirs.url, role="appender", tenant=THEIRS) as busy, busy.transaction():
        append(busy, f"{THEIRS}-1", tenant=THEIRS)
        busy.execute(f"SELECT '{THEIRS} said something secret'")
        with ours.connect() as connection:
            flight = connection.execute("SELECT * FROM eventstore.appends_in_flight()")
            assert flight.fetchall() == []
            queries = connection.execute("SELECT query FROM pg_stat_activity").fetchall()
            assert "secret" not in repr(queries)


def test_nobody_appends_for_another_tenant(ours: Login) -> None:
    with open_store(ours.url, THEIRS) as store:
        with pytest.raises(PermissionDenied, match=f"may not append for tenant {THEIRS}"):
            store.append("s-1", [Said()])
        with pytest.raises(PermissionDenied):
            store.append("s-1", [Said(), Said()], expected_version=ANY)
    for setting in SETTINGS:
        with ours.connect() as connection:
            connection.execute(setting)
            with pytest.raises(psycopg.Error) as caught:
                append(connection, "s-1", tenant=THEIRS)
            assert caught.value.sqlstate in ("ES003", "42501")
    with open_store(ours.url, OURS) as store:
        assert store.append("s-1", [Said()]).positions == (1,)


@pytest.mark.parametrize(
    "part",
    ["eventstore_owner", "eventstore_projector", "eventstore_archiver", "postgres", "eventstore"],
)
def test_a_tenant_plays_no_part_that_sees_more(ours: Login, part: str) -> None:
    with ours.connect() as connection:
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute(f"SET ROLE {part}")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute(f"SET SESSION AUTHORIZATION {part}")


def test_a_login_that_is_not_bound_sees_and_writes_nothing(
    make_login: Callable[..., Login], ours: Login, admin: Connection
) -> None:
    fill(ours, OURS)
    unbound = make_login(None)
    for setting in SETTINGS:
        with unbound.connect() as connection:
            connection.execute(setting)
            assert OURS not in everything(connection, admin).replace(ours.name, "")
    with open_store(unbound.url, OURS) as store:
        assert list(store.read_all()) == []
        with pytest.raises(PermissionDenied, match="may not append"):
            store.append("s-1", [Said()])


def test_a_trusted_login_narrows_its_own_view(
    store: EventStore, ours: Login, theirs: Login
) -> None:
    fill(ours, OURS)
    fill(theirs, THEIRS)
    with connect(store.database.url, role="auditor") as wide:
        assert count(wide) == 2 * len(OF_EVERY_CLASS)
    for tenant in (OURS, THEIRS):
        with connect(store.database.url, role="auditor", tenant=tenant) as narrow:
            assert count(narrow) == len(OF_EVERY_CLASS)


def count(connection: Connection) -> int:
    row = connection.execute("SELECT count(*) FROM eventstore.events").fetchone()
    assert row is not None
    return int(row[0])


def test_every_tenant_is_no_tenant(store: EventStore, appender: Connection) -> None:
    with pytest.raises(ConfigurationError, match=r"not \*"):
        open_store(store.database.url, "*")
    appender.execute("SET eventstore.tenant = '*'")
    with pytest.raises(psycopg.Error) as caught:
        append(appender, "s-1", tenant="*")
    assert caught.value.sqlstate == "ES003"


def test_a_rebound_login_belongs_to_its_new_tenant(
    server: EmbeddedServer, database: str, ours: Login
) -> None:
    fill(ours, OURS)
    with connect(server.url(database), role="owner") as owner:
        owner.execute("SELECT eventstore.bind_login(%s, %s)", [ours.name, THEIRS])
    with open_store(ours.url, OURS) as store:
        assert list(store.read_all()) == []
        with pytest.raises(PermissionDenied):
            store.append("s-1", [Said()])


def test_tenants_take_no_advisory_locks(ours: Login, admin: Connection) -> None:
    functions = admin.execute(
        "SELECT oid::regprocedure::text FROM pg_proc "
        "WHERE proname ~ '^pg_(try_)?advisory_' AND pronamespace = 'pg_catalog'::regnamespace"
    ).fetchall()
    assert len(functions) >= 20
    with ours.connect() as connection:
        for part in PARTS:
            connection.execute(part)
            for (function,) in functions:
                name, _, arguments = function.partition("(")
                call = f"SELECT {name}({', '.join('1' for _ in arguments.split(',') if _ != ')')})"
                with pytest.raises(psycopg.errors.InsufficientPrivilege):
                    connection.execute(call)
            connection.execute("RESET ROLE")


def test_tenants_do_not_see_each_other_s_ids(ours: Login, theirs: Login) -> None:
    said = Said()
    with open_store(ours.url, OURS) as one, open_store(theirs.url, THEIRS) as other:
        first = one.append("s-1", [said])
        second = other.append("s-9", [said])
        assert first.event_ids == second.event_ids
        assert first.positions != second.positions
        assert one.append("s-1", [said]) == first
        assert other.append("s-9", [said]) == second


def test_a_reader_opens_with_a_login_that_may_not_append(
    make_login: Callable[..., Login], ours: Login, admin: Connection
) -> None:
    fill(ours, OURS)
    auditor = make_login(OURS)
    admin.execute(SQL("REVOKE eventstore_appender FROM {}").format(Identifier(auditor.name)))

    with LogReader.open(auditor.url, tenant=OURS, registry=FACTS) as log:
        found = list(log.read_all())
        assert [recorded.agent for recorded in found] == [OURS] * len(OF_EVERY_CLASS)
        stream_id = found[0].stream_id
        assert list(log.read_stream(stream_id)) == [found[0]]
        assert log.stream_version(stream_id) == 1
        with log.subscribe() as subscription:
            assert next(subscription) == found[0]
    with open_store(auditor.url, OURS) as store, pytest.raises(PermissionDenied):
        store.append("alpha-x", [OF_EVERY_CLASS[0](text="x")])
