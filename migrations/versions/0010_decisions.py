"""What a decision rests on: unique values that streams claim, and streams that must not move."""

from eventstore.schema.frozen import run

revision = "0010_decisions"
down_revision = "0008_daemons"


def upgrade() -> None:
    run("0010_decisions.up.sql")


def downgrade() -> None:
    run("0010_decisions.down.sql")
