"""Batches move all their streams at once, and look afterwards whether every writer was right."""

from eventstore.schema.frozen import run

revision = "0021_lean_batches"
down_revision = "0020_log_pages"


def upgrade() -> None:
    run("0021_lean_batches.up.sql")


def downgrade() -> None:
    run("0021_lean_batches.down.sql")
