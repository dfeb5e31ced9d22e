"""Builds that can be resumed, begin late, and change places in both directions."""

from eventstore.schema.frozen import run

revision = "0006_builds"
down_revision = "0005_versioned_tables"


def upgrade() -> None:
    run("0006_builds.up.sql")


def downgrade() -> None:
    run("0006_builds.down.sql")
