"""Named subscriptions whose state is in the store: at-least-once handlers for side effects.

    definition   which events, by which rules; pure
    delivery     one event in a consumer's hands
    tray         what a consumer has at hand, and what it has settled; pure
    exchange     the calls of the database
    consumer     the loop between the two
    handling     from what a handler does to what becomes of its event
    status       how far subscriptions are, what they have parked
    directory    `store.subscriptions`
    async_consumer · async_directory   the same for asyncio

What `store.subscribe` gives is something else: it follows the log, and whoever reads it keeps the
checkpoint.
"""

from eventstore.subscriptions.consumer import Consumer
from eventstore.subscriptions.definition import Definition
from eventstore.subscriptions.delivery import Delivery
from eventstore.subscriptions.directory import Subscriptions

__all__ = ["Consumer", "Definition", "Delivery", "Subscriptions"]
