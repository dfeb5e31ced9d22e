"""${message}."""

from eventstore.schema.frozen import run

revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}


def upgrade() -> None:
    run("${up_revision}.up.sql")


def downgrade() -> None:
    run("${up_revision}.down.sql")
