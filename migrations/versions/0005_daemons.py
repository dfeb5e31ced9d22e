"""Daemons that share the work, and waits inside the server."""

from eventstore.frozen import run

revision = "0005_daemons"
down_revision = "0004_shards_and_failures"


def upgrade() -> None:
    run("0005_daemons.up.sql")


def downgrade() -> None:
    run("0005_daemons.down.sql")
