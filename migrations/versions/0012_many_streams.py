"""Appends to many streams at once take time by their number, and not by its square."""

from eventstore.schema.frozen import run

revision = "0012_many_streams"
down_revision = "0011_contexts"


def upgrade() -> None:
    run("0012_many_streams.up.sql")


def downgrade() -> None:
    run("0012_many_streams.down.sql")
