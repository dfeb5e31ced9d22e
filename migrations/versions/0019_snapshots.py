"""What streams fold to is kept, so that long ones need not be folded again."""

from eventstore.schema.frozen import run

revision = "0019_snapshots"
down_revision = "0018_import"


def upgrade() -> None:
    run("0019_snapshots.up.sql")


def downgrade() -> None:
    run("0019_snapshots.down.sql")
