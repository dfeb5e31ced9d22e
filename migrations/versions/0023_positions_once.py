"""No position is given twice, not even when a crash takes some back."""

from eventstore.schema.frozen import run

revision = "0023_positions_once"
down_revision = "0022_new_streams"


def upgrade() -> None:
    run("0023_positions_once.up.sql")


def downgrade() -> None:
    run("0023_positions_once.down.sql")
