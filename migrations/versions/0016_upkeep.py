"""Upkeep of partitions, a stored watermark, and reads that open few partitions."""

from eventstore.schema.frozen import run

revision = "0016_upkeep"
down_revision = "0015_streams"


def upgrade() -> None:
    run("0016_upkeep.up.sql")


def downgrade() -> None:
    run("0016_upkeep.down.sql")
