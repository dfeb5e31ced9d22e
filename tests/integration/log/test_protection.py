"""What must never happen, tried: by every role, on every relation, with every statement."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import product
from typing import Any
from uuid import UUID

import psycopg
import pytest
from psycopg.sql import SQL, Identifier
from psycopg.types.json import Jsonb

from eventstore import EventStore
from eventstore.connection.database import Connection, connect
from eventstore.errors import DatabaseFault, PermissionDenied
from eventstore.limits import MAX_NAME, MAX_STREAM_ID, MAX_TAG
from tests.integration.log import raw_append
from tests.integration.log.facts import OF_EVERY_CLASS, Said

PARTS = ("owner", "appender", "projector", "archiver", "auditor", "subscriber")
APPEND_ONLY, DENIED = "ES005", "42501"
CHANGES = (
    "UPDATE {} SET tenant_id = 'x'",
    "UPDATE {} SET tenant_id = tenant_id WHERE false",
    "DELETE FROM {}",
    "TRUNCATE {}",
    "MERGE INTO {} AS t USING (SELECT) AS s ON true WHEN MATCHED THEN DELETE",
)


@pytest.fixture
def filled(store: EventStore) -> EventStore:
    """A store with events in every retention class."""
    for number, kind in enumerate(OF_EVERY_CLASS):
        store.append(f"s-{number}", [kind(), kind()])
    return store


@pytest.fixture
def sessions(filled: EventStore, admin: Connection) -> Iterator[dict[str, Connection]]:
    """A connection for every part, and the superuser's."""
    parts: dict[str, Connection] = {"superuser": admin}
    for part in PARTS:
        parts[part] = connect(filled.database.url, role=part, tenant="default")  # type: ignore[arg-type]
    yield parts
    for part in PARTS:
        parts[part].close()


def relations(admin: Connection, kinds: str, name: str = "") -> list[str]:
    """The relations of the schema of these kinds whose names begin so."""
    query = """
        SELECT relname FROM pg_class
         WHERE relnamespace = 'eventstore'::regnamespace AND relkind = ANY (%s)
           AND starts_with(relname, %s)
         ORDER BY relname
    """
    return [row[0] for row in admin.execute(query, [list(kinds), name])]


def refusal(connection: Connection, statement: str, relation: str) -> str | None:
    """The SQLSTATE with which a statement is refused, None if it is not."""
    named = SQL(statement).format(Identifier("eventstore", relation))
    try:
        connection.execute(named)
    except psycopg.Error as error:
        return error.sqlstate
    return None


def test_nobody_changes_the_log(sessions: dict[str, Connection]) -> None:
    admin = sessions["superuser"]
    log = [*relations(admin, "rp", "events"), "event_ids", "event_tags"]
    assert len(log) == 1 + 4 + 4 * 3 + 2
    before = whole(admin, log)
    for part, relation, statement in product(sessions, log, CHANGES):
        state = refusal(sessions[part], statement, relation)
        expected = APPEND_ONLY if part in ("superuser", "owner") else DENIED
        assert state == expected, f"{part}: {statement.format(relation)} gave {state}"
    assert whole(admin, log) == before


def test_nor_does_a_session_that_plays_a_replica(filled: EventStore, admin: Connection) -> None:
    admin.execute("SET session_replication_role = replica")
    for relation in relations(admin, "rp", "events"):
        assert refusal(admin, "DELETE FROM {}", relation) == APPEND_ONLY


def whole(admin: Connection, log: list[str]) -> list[list[tuple[Any, ...]]]:
    return [
        admin.execute(SQL("TABLE {}").format(Identifier("eventstore", name))).fetchall()
        for name in log
    ]


def test_nobody_inserts_past_the_function(sessions: dict[str, Connection]) -> None:
    admin = sessions["superuser"]
    tables = relations(admin, "rp")
    before = whole(admin, tables)
    for part, relation in product(PARTS, tables):
        if part == "owner" and relation in OF_THE_OWNER:
            continue
        statement = SQL("INSERT INTO {0} SELECT (jsonb_populate_record(NULL::{0}, %s)).*").format(
            Identifier("eventstore", relation)
        )
        own = relation.split("_")[1] if relation.startswith("events_") else "work"
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            sessions[part].execute(statement, [Jsonb(ROW | {"retention_class": own})])
    assert whole(admin, tables) == before


OF_THE_OWNER = {
    "alembic_version", "counted", "event_counts", "sealed_partitions", "sealed_runs",
    "sealed_streams", "sealed_until", "stored_watermark", "tenant_logins",
}  # fmt: skip
"""What the owner's functions write without acting for a tenant."""

ROW = {
    "position": 99,
    "tenant_id": "default",
    "event_id": "00000000-0000-0000-0000-000000000001",
    "stream_id": "s-0",
    "category": "s",
    "stream_version": 9,
    "event_type": "t",
    "tag": "t",
    "schema_version": 1,
    "correlation_id": "00000000-0000-0000-0000-000000000001",
    "data": {},
    "data_hash": "\\x00",
    "metadata": {},
    "occurred_at": "2025-01-01T00:00:00Z",
    "recorded_at": datetime.now(UTC).isoformat(),
    "login": "x",
    "version_num": "x",
}


def test_who_may_call_what(admin: Connection) -> None:
    query = """
        SELECT proname, array(
                   SELECT role FROM unnest(%s::text[]) AS role
                    WHERE has_function_privilege('eventstore_' || role, oid, 'EXECUTE')
                    ORDER BY role)
          FROM pg_proc
         WHERE pronamespace = 'eventstore'::regnamespace
    """
    allowed: dict[tuple[str, ...], set[str]] = {}
    for function, roles in admin.execute(query, [list(PARTS[1:])]):
        allowed.setdefault(tuple(roles), set()).add(function)
    assert allowed == MAY_CALL


# fmt: off
MAY_CALL: dict[tuple[str, ...], set[str]] = {
    ("appender",): {
        "append", "append_decided", "append_one", "append_several", "append_together",
        "drop_snapshots", "heal_partitions", "import_events", "mark_stream", "save_snapshot",
    },
    ("archiver", "auditor", "projector"): {
        "appends_in_flight", "count_events", "counts_until", "current_tenant", "events_at",
        "log_page", "partition_gaps", "rarest_tag", "run_page", "stream_page", "tagged",
        "watermark",
    },
    ("auditor", "projector"): {"shard_of", "wait_for_news"},
    ("archiver", "projector"): {
        "add_counts", "count_all_events", "ensure_partitions", "store_watermark",
    },
    ("archiver",): {
        "attach_partition", "map_partition", "note_vacuum", "partition_steps", "prove_partition",
        "seal_partition",
    },
    ("subscriber",): {
        "claim_deliveries", "create_subscription", "drop_subscription", "join_subscription",
        "leave_subscription", "resolve_parked", "settle_deliveries", "wait_for_deliveries",
    },
    (): {
        "act_as_subscriber", "begin_append", "begin_life", "bind_login", "decide",
        "give_sign_of_life", "lock_streams", "lock_subscription", "lock_tags", "matching",
        "move_sealed_until", "park_delivery", "protect_log", "protect_tenants", "recorded_requests",
        "refuse_change", "release_lost", "repeated", "require_conditions",
    },
}
# fmt: on
"""Every function of the log, and who may call it; the rest is called by these alone."""


def test_definer_functions_fix_their_search_path(admin: Connection) -> None:
    loose = admin.execute(
        """
        SELECT proname FROM pg_proc
         WHERE pronamespace = 'eventstore'::regnamespace AND prosecdef
           AND NOT 'search_path=pg_catalog, pg_temp' = ANY (proconfig)
        """
    ).fetchall()
    assert loose == []


def test_every_table_has_forced_row_security(admin: Connection) -> None:
    query = """
        SELECT relname FROM pg_class
         WHERE relnamespace = 'eventstore'::regnamespace AND relkind IN ('r', 'p')
           AND NOT (relrowsecurity AND relforcerowsecurity)
    """
    assert admin.execute(query).fetchall() == [("alembic_version",)]


@pytest.mark.parametrize(
    ("column", "limit"),
    [
        ("streams.stream_id", MAX_STREAM_ID),
        ("streams.tenant_id", MAX_NAME),
        ("events.event_type", MAX_NAME),
        ("events.agent", MAX_NAME),
        ("events.target_agent", MAX_NAME),
        ("event_tags.tag", MAX_TAG),
        ("event_tags.event_type", MAX_NAME),
    ],
)
def test_the_limits_are_those_of_the_columns(admin: Connection, column: str, limit: int) -> None:
    table, _, name = column.partition(".")
    row = admin.execute(
        "SELECT character_maximum_length FROM information_schema.columns "
        "WHERE table_schema = 'eventstore' AND table_name = %s AND column_name = %s",
        [table, name],
    ).fetchone()
    assert row == (limit,)


def test_a_login_is_bound_to_a_tenant_that_can_be(database_url: str) -> None:
    with connect(database_url, role="owner") as owner:
        owner.execute("SELECT eventstore.bind_login('long', %s)", ["x" * MAX_NAME])
        for wrong in ("", "x" * (MAX_NAME + 1)):
            with pytest.raises(psycopg.errors.CheckViolation):
                owner.execute("SELECT eventstore.bind_login('long', %s)", [wrong])


def test_the_longest_names_are_recorded(store: EventStore) -> None:
    stream_id, name = "s-" + "é" * (MAX_STREAM_ID - 2), "é" * MAX_NAME
    store.append(stream_id, [Said()], agent=name, target_agent=name)
    [recorded] = store.read_stream(stream_id)
    assert (recorded.stream_id, recorded.agent, recorded.target_agent) == (stream_id, name, name)


# Calls of append that our own client would never make ---------------------------------------------

E1, E2 = "00000000-0000-7000-8000-000000000001", "00000000-0000-7000-8000-000000000002"
BODY = (
    '{"t":"log.said","v":1,"k":"00000000-0000-7000-8000-000000000001","r":"work","d":{},"m":{}%s}'
)


def call(**changes: str) -> dict[str, str]:
    """Two events for two streams, well-formed but for the changes."""
    plain = {
        "tenant": "default",
        "stream_ids": "{a-1,b-1}",
        "append_request": "{0,0}",
        "append_stream": "{1,2}",
        "append_expected": "{-2,-2}",
        "append_events": "{1,1}",
        "event_ids": f"{{{E1},{E2}}}",
        "bodies": f"[{BODY % ''},{BODY % ''}]",
    }
    return plain | changes


MALFORMED = {
    "a stream twice": call(stream_ids="{a-1,a-1}"),
    "streams not sorted": call(stream_ids="{b-1,a-1}"),
    "a NULL stream": call(stream_ids="{a-1,NULL}"),
    "a stream that is not there": call(append_stream="{1,3}"),
    "an event id twice": call(event_ids=f"{{{E1},{E1}}}"),
    "more events than ids": call(append_events="{1,2}"),
    "fewer events than ids": call(append_events="{1,0}"),
    "a negative number of events": call(append_events="{3,-1}"),
    "no number of events": call(append_events="{NULL,NULL}"),
    "an append too few": call(append_request="{0}"),
    "a body too few": call(bodies=f"[{BODY % ''}]"),
    "a body without data": call(bodies=f"[{BODY % ''},{{}}]"),
    "an unknown retention class": call(
        bodies=f"[{BODY % ''},{BODY.replace('work', 'ever') % ''}]"
    ),
    "a moment before year 1": call(
        bodies=f"""[{BODY % ''},{BODY % ',"o":"0001-01-01T00:00:00+01:00"'}]"""
    ),
    "a moment after year 9999": call(
        bodies=f"""[{BODY % ''},{BODY % ',"o":"9999-12-31T23:59:59-01:00"'}]"""
    ),
    "no moment at all": call(bodies=f"""[{BODY % ''},{BODY % ',"o":"infinity"'}]"""),
    "a lone one without a body": call(
        stream_ids="{a-1}", append_request="{0}", append_stream="{1}", append_expected="{-2}",
        append_events="{1}", event_ids=f"{{{E1}}}", bodies="[]",
    ),
}  # fmt: skip


@pytest.mark.parametrize("existing", [False, True], ids=["new streams", "existing streams"])
def test_a_malformed_call_records_nothing(
    store: EventStore, appender: Connection, existing: bool
) -> None:
    if existing:
        store.append("a-1", [Said()])
        store.append("b-1", [Said()])
    before = [recorded.position for recorded in store.read_all()]
    for name, malformed in MALFORMED.items():
        with pytest.raises(psycopg.Error):
            raw_append.call(appender, malformed)
        assert [recorded.position for recorded in store.read_all()] == before, name
        assert store.stream_version("a-1") == store.stream_version("b-1") == int(existing), name
    raw_append.call(appender, call())
    versions = [recorded.stream_version for recorded in store.read_stream("a-1")]
    assert versions == list(range(1, int(existing) + 2))


SEVERAL = """
    SELECT eventstore.append_several(
        %(tenant)s, 'a-1', %(expected)s, %(event_ids)s, %(event_types)s, %(schema_versions)s,
        %(retention_classes)s, %(payloads)s, NULL, NULL, NULL, NULL, '{}', %(occurred_at)s,
        %(tags)s)
"""


def call_several(**changes: str | None) -> dict[str, str | None]:
    """Two events for a stream, well-formed but for the changes."""
    plain: dict[str, str | None] = {
        "tenant": "default",
        "expected": "-2",
        "event_ids": f"{{{E1},{E2}}}",
        "event_types": "{log.said,log.said}",
        "schema_versions": "{1,1}",
        "retention_classes": "{work,audit}",
        "payloads": '{"{\\"a\\":1}","{}"}',
        "occurred_at": None,
        "tags": "{b:2}",
    }
    return plain | changes


MALFORMED_SEVERAL = {
    "no events": call_several(
        event_ids="{}", event_types="{}", schema_versions="{}", retention_classes="{}",
        payloads="{}",
    ),
    "no array of events": call_several(event_ids=None),
    "an event id twice": call_several(event_ids=f"{{{E1},{E1}}}"),
    "an id too few": call_several(event_ids=f"{{{E1}}}"),
    "an id that is NULL": call_several(event_ids=f"{{{E1},NULL}}"),
    "a type too few": call_several(event_types="{log.said}"),
    "no types": call_several(event_types=None),
    "a schema_version too many": call_several(schema_versions="{1,1,1}"),
    "a payload too few": call_several(payloads='{"{}"}'),
    "a payload too many": call_several(payloads='{"{}","{}","{}"}'),
    "a payload that is no JSON": call_several(payloads='{"{}","{"}'),
    "an unknown retention class": call_several(retention_classes="{work,ever}"),
    "a moment before year 1": call_several(occurred_at="0001-01-01 00:00:00+01"),
    "a moment after year 9999": call_several(occurred_at="9999-12-31 23:59:59-01"),
    "no moment at all": call_several(occurred_at="-infinity"),
    "a tag twice": call_several(tags="{a,a}"),
    "no tags": call_several(tags="{}"),
    "an empty tag": call_several(tags='{a,""}'),
    "a tag that is NULL": call_several(tags="{a,NULL}"),
    "tags in a square": call_several(tags="{{a,b},{c,d}}"),
    "too many tags": call_several(tags=f"{{{','.join(map(str, range(65)))}}}"),
    "too long a tag": call_several(tags=f"{{{'x' * 256}}}"),
    "another tenant": call_several(tenant="other"),
    "every tenant": call_several(tenant="*"),
}  # fmt: skip


@pytest.mark.parametrize("existing", [False, True], ids=["a new stream", "an existing stream"])
def test_a_malformed_short_call_records_nothing(
    store: EventStore, appender: Connection, admin: Connection, existing: bool
) -> None:
    if existing:
        store.append("a-1", [Said()])
    before = [recorded.position for recorded in store.read_all()]
    for name, malformed in MALFORMED_SEVERAL.items():
        with pytest.raises(psycopg.Error):
            appender.execute(SEVERAL, malformed)
        assert [recorded.position for recorded in store.read_all()] == before, name
        assert store.stream_version("a-1") == int(existing), name
    for expected in ("7", "0" if existing else "-1"):
        # Not where its writer believes: nothing is done, and append has to take a closer look.
        call = call_several(expected=expected)
        assert appender.execute(SEVERAL, call).fetchone() == (None,)
    answer = appender.execute(SEVERAL, call_several()).fetchone()
    found = list(store.read_stream("a-1"))
    assert answer == ([int(existing), *(recorded.position for recorded in found[-2:])],)
    assert [recorded.stream_version for recorded in found] == list(range(1, int(existing) + 3))
    assert [(each.data, each.tags) for each in found[-2:]] == [
        (b'{"a":1}', ("b:2",)), (b"{}", ("b:2",))
    ]  # fmt: skip
    assert [each.correlation_id for each in found[-2:]] == [UUID(E1), UUID(E2)]
    rows = admin.execute("SELECT position FROM eventstore.event_tags ORDER BY 1").fetchall()
    assert rows == [(recorded.position,) for recorded in found[-2:]]


def test_the_function_s_errors_are_typed(store: EventStore) -> None:
    with pytest.raises(DatabaseFault), store.database.reading() as connection:
        connection.execute("SELECT 1/0")
    with pytest.raises(PermissionDenied), store.database.reading() as connection:
        raw_append.call(connection, call())
