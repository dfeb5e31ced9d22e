"""Alembic's entry: runs the migrations on the connection that eventstore.migrate has prepared."""

from alembic import context

context.configure(
    connection=context.config.attributes["connection"],
    version_table_schema="eventstore",
    transaction_per_migration=True,
)
with context.begin_transaction():
    context.run_migrations()
