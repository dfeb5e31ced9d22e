"""Every key of the log carries the tenant, so that the log can be distributed by tenant."""

from __future__ import annotations

from eventstore.connection.database import Connection

WITHOUT = {
    "alembic_version": "which schema the whole database has",
    "tenant_logins": "the map from logins to tenants itself; a reference table",
    "sealed_partitions": "names of partitions, which are of all tenants",
    "sealed_until": "one row, of all tenants",
    "stored_watermark": "one row, of all tenants",
}
"""Tables of the schema that have no tenant_id, and what they are about instead."""


def test_every_key_carries_the_tenant(admin: Connection) -> None:
    query = """
        SELECT k.conrelid::regclass::text, k.conname::text, k.contype::text,
               (SELECT array_agg(a.attname::text) FROM pg_attribute AS a
                 WHERE a.attrelid = k.conrelid AND a.attnum = ANY (k.conkey)),
               (SELECT array_agg(a.attname::text) FROM pg_attribute AS a
                 WHERE a.attrelid = k.confrelid AND a.attnum = ANY (k.confkey))
          FROM pg_constraint AS k
         WHERE k.connamespace = 'eventstore'::regnamespace AND k.contype IN ('p', 'u', 'f', 'x')
    """
    found = admin.execute(query).fetchall()
    wrong = [
        (relation, name)
        for relation, name, kind, columns, referred in found
        if relation.removeprefix("eventstore.") not in WITHOUT
        and not ("tenant_id" in columns and (kind != "f" or "tenant_id" in referred))
    ]
    assert wrong == []
    assert len(found) > len(WITHOUT), "there are keys to look at"


def test_so_does_every_unique_index(admin: Connection) -> None:
    """A unique index is a key too, with or without a constraint."""
    query = """
        SELECT c.relname::text, i.indexrelid::regclass::text,
               (SELECT array_agg(a.attname::text) FROM pg_attribute AS a
                 WHERE a.attrelid = i.indexrelid)
          FROM pg_index AS i JOIN pg_class AS c ON c.oid = i.indrelid
         WHERE c.relnamespace = 'eventstore'::regnamespace AND i.indisunique
    """
    found = admin.execute(query).fetchall()
    wrong = [row for row in found if row[0] not in WITHOUT and "tenant_id" not in row[2]]
    assert wrong == []


def test_the_exceptions_are_exceptions(admin: Connection) -> None:
    query = """
        SELECT relname::text FROM pg_class AS c
         WHERE relnamespace = 'eventstore'::regnamespace AND relkind IN ('r', 'p')
           AND NOT EXISTS (SELECT FROM pg_attribute
                            WHERE attrelid = c.oid AND attname = 'tenant_id'
                              AND attnotnull)
    """
    found = {row[0] for row in admin.execute(query)}
    assert found | {"tenant_logins"} == set(WITHOUT)
