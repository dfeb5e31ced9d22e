"""Streams are locked and made in one pass, so that nobody waits for each other crosswise."""

from eventstore.schema.frozen import run

revision = "0022_new_streams"
down_revision = "0021_lean_batches"


def upgrade() -> None:
    run("0022_new_streams.up.sql")


def downgrade() -> None:
    run("0022_new_streams.down.sql")
