"""Shards of a projection, and the events that it holds."""

from eventstore.schema.frozen import run

revision = "0004_shards_and_failures"
down_revision = "0003_read_models"


def upgrade() -> None:
    run("0004_shards_and_failures.up.sql")


def downgrade() -> None:
    run("0004_shards_and_failures.down.sql")
