"""What runs after a projection's commits, and how far each of them was told."""

from eventstore.schema.frozen import run

revision = "0007_hooks"
down_revision = "0006_builds"


def upgrade() -> None:
    run("0007_hooks.up.sql")


def downgrade() -> None:
    run("0007_hooks.down.sql")
