"""Tags of events, and streams that are closed."""

from eventstore.schema.frozen import run

revision = "0013_append"
down_revision = "0012_many_streams"


def upgrade() -> None:
    run("0013_append.up.sql")


def downgrade() -> None:
    run("0013_append.down.sql")
