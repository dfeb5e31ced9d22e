"""Whose the live tables are, and builds whose tables differ from the live ones."""

from alembic import op
from sqlalchemy import inspect

from eventstore.schema.frozen import make_tables, run

revision = "0005_versioned_tables"
down_revision = "0004_shards_and_failures"


def upgrade() -> None:
    run("0005_versioned_tables.up.sql")


def downgrade() -> None:
    run("0005_versioned_tables.down.sql")
    there = set(inspect(op.get_bind()).get_table_names(schema="projections"))
    for context, table in (
        ("packaging", "packages"),
        ("work", "work_orders"),
        ("trust", "agents"),
    ):
        if table not in there:  # they were of another version
            make_tables(f"projections.{context}", f"{context}_v1.sql")
