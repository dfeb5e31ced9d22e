"""Imports: thousands of appends in one call, and repeats that are compared all at once."""

from eventstore.schema.frozen import run

revision = "0018_import"
down_revision = "0017_subscriptions"


def upgrade() -> None:
    run("0018_import.up.sql")


def downgrade() -> None:
    run("0018_import.down.sql")
