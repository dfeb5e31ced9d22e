"""Named subscriptions whose state is in the store: claims, acknowledgements, parked deliveries."""

from eventstore.schema.frozen import run

revision = "0017_subscriptions"
down_revision = "0016_upkeep"


def upgrade() -> None:
    run("0017_subscriptions.up.sql")


def downgrade() -> None:
    run("0017_subscriptions.down.sql")
