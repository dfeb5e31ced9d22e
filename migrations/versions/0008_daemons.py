"""Daemons that share the work, and waits inside the server."""

from eventstore.schema.frozen import run

revision = "0008_daemons"
down_revision = "0007_hooks"


def upgrade() -> None:
    run("0008_daemons.up.sql")


def downgrade() -> None:
    run("0008_daemons.down.sql")
