"""The log: streams, event ids, events in partitions, the function that appends."""

from eventstore.schema.frozen import run

revision = "0001_log"
down_revision = None


def upgrade() -> None:
    run("0001_log.up.sql")


def downgrade() -> None:
    run("0001_log.down.sql")
