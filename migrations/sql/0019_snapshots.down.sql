DROP FUNCTION eventstore.drop_snapshots(text, text);
DROP FUNCTION eventstore.save_snapshot(text, text, text, text, bigint, json);
DROP TABLE eventstore.snapshots;
