"""Streams that are closed, reopened and described, and counts of the log."""

from eventstore.schema.frozen import run

revision = "0015_streams"
down_revision = "0014_conditions"


def upgrade() -> None:
    run("0015_streams.up.sql")


def downgrade() -> None:
    run("0015_streams.down.sql")
