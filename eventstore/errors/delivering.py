"""What named subscriptions and their consumers are told."""

from __future__ import annotations

from eventstore.errors.base import EventStoreError

__all__ = ["DeliverySettled", "LeaseLost", "SubscriptionExists", "SubscriptionInUse"]


class SubscriptionExists(EventStoreError):
    """There is a subscription of that name, with another filter or other rules."""

    exit_code = 5

    def __init__(self, subscription: str) -> None:
        self.subscription = subscription
        super().__init__(
            f"subscription {subscription} is there already, with another definition; see "
            f"`eventstore subscriptions show {subscription}`, and drop it or choose another name"
        )


class SubscriptionInUse(EventStoreError):
    """A subscription was not dropped: it has so many live `consumers` and `parked` events."""

    exit_code = 5

    def __init__(self, subscription: str, consumers: int, parked: int) -> None:
        self.subscription, self.consumers, self.parked = subscription, consumers, parked
        super().__init__(
            f"subscription {subscription} has {consumers} consumers and {parked} parked events; "
            "end the former and resolve the latter, or drop it by force"
        )


class LeaseLost(EventStoreError):
    """A consumer gave no sign of life for the length of its lease, so others have its deliveries.

    What it wanted to settle is delivered again.
    """

    exit_code = 5

    def __init__(self, subscription: str) -> None:
        self.subscription = subscription
        super().__init__(
            f"the lease on subscription {subscription} is lost, and its deliveries are given to "
            "other consumers; go on with the next delivery, and let a slow handler call "
            "delivery.renew()"
        )


class DeliverySettled(EventStoreError):
    """The delivery with this idempotency `key` was acknowledged, retried or parked before."""

    exit_code = 5

    def __init__(self, key: str) -> None:
        self.key = key
        super().__init__(f"delivery {key} was settled before; each is settled once")
