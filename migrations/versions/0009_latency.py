"""Looks without a pause, for a moment after news."""

from eventstore.frozen import run

revision = "0009_latency"
down_revision = "0008_daemons"


def upgrade() -> None:
    run("0009_latency.up.sql")


def downgrade() -> None:
    run("0009_latency.down.sql")
