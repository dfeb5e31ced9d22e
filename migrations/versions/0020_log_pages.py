"""Pages of the log open few partitions, however many there are."""

from eventstore.schema.frozen import run

revision = "0020_log_pages"
down_revision = "0019_snapshots"


def upgrade() -> None:
    run("0020_log_pages.up.sql")


def downgrade() -> None:
    run("0020_log_pages.down.sql")
