-- Removes the log with everything in it; alembic_version stays, it belongs to the migrations.
DROP VIEW eventstore.partitions;
DROP FUNCTION eventstore.append(
    text, text[], integer[], integer[], bigint[], integer[], uuid[], json);
DROP FUNCTION eventstore.append_one(
    text, text, bigint, uuid, text, smallint, uuid, uuid, text, text, text, json, json,
    timestamptz);
DROP FUNCTION eventstore.decide(
    text, text[], integer[], integer[], bigint[], integer[], uuid[], json);
DROP FUNCTION eventstore.repeated(text, jsonb, uuid[], text[], integer[], bytea[]);
DROP FUNCTION eventstore.lock_streams(text, text[]);
DROP FUNCTION eventstore.watermark();
DROP FUNCTION eventstore.appends_in_flight();
DROP FUNCTION eventstore.ensure_partitions(integer);
DROP FUNCTION eventstore.partition_gaps(integer);
DROP FUNCTION eventstore.seal_partitions();
DROP TABLE eventstore.events, eventstore.event_ids, eventstore.streams;
DROP SEQUENCE eventstore.events_position_seq;
DROP FUNCTION eventstore.refuse_change();
DROP FUNCTION eventstore.protect_log(regclass);
DROP FUNCTION eventstore.protect_tenants(regclass);
DROP FUNCTION eventstore.bind_login(name, text);
DROP TABLE eventstore.tenant_logins;
DROP FUNCTION eventstore.current_tenant();
REVOKE USAGE ON SCHEMA eventstore
    FROM eventstore_appender, eventstore_projector, eventstore_archiver, eventstore_auditor;
