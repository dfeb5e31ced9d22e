"""The read models of packaging, work and trust."""

from eventstore.schema.frozen import make_tables, run

revision = "0003_read_models"
down_revision = "0002_projection_engine"


def upgrade() -> None:
    run("0003_read_models.up.sql")
    for context in ("packaging", "work", "trust"):
        make_tables(f"projections.{context}", f"{context}_v1.sql")


def downgrade() -> None:
    run("0003_read_models.down.sql")
