"""The projection engine: checkpoints and leases, protection of read models, builds."""

from eventstore.schema.frozen import run

revision = "0002_projection_engine"
down_revision = "0001_log"


def upgrade() -> None:
    run("0002_projection_engine.up.sql")


def downgrade() -> None:
    run("0002_projection_engine.down.sql")
