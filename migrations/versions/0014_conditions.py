"""Appends on the condition that there are no such events, and reading by tags."""

from eventstore.schema.frozen import run

revision = "0014_conditions"
down_revision = "0013_append"


def upgrade() -> None:
    run("0014_conditions.up.sql")


def downgrade() -> None:
    run("0014_conditions.down.sql")
