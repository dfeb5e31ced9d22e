"""`store.subscriptions`: the named subscriptions of a tenant."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from typing import Any, Final, Literal
from uuid import UUID

from eventstore.append import check_name
from eventstore.connection.database import Database
from eventstore.connection.queries import load
from eventstore.errors import ConfigurationError, NotFound
from eventstore.limits import MAX_NAME
from eventstore.names import is_position
from eventstore.registry import EventRegistry
from eventstore.subscriptions import status as reading
from eventstore.subscriptions.consumer import BATCH, Consumer
from eventstore.subscriptions.definition import Definition, Start, start_position
from eventstore.subscriptions.exchange import answered
from eventstore.subscriptions.handling import Handler, attempt
from eventstore.subscriptions.status import ParkedEvent, SubscriptionStatus

__all__ = ["Subscriptions"]

_SQL: Final = load("eventstore.sql", "subscriptions.sql")
_SEE_LIST: Final = "see `eventstore subscriptions list`"


class Subscriptions:
    """Creates, shows and ends subscriptions, and consumes them.

        store.subscriptions.create("mailer", event_types=["orders.placed"], start="now")
        store.subscriptions.consume("mailer", send_mail)

    `send_mail` gets every such event at least once, those of a stream in order, however many
    processes consume and whichever of them die.
    """

    def __init__(self, database: Database, registry: EventRegistry) -> None:
        self._database, self._registry = database, registry

    def create(
        self,
        name: str,
        *,
        event_types: Sequence[str] | None = None,
        categories: Sequence[str] | None = None,
        correlation_id: UUID | None = None,
        tags: Sequence[str] | None = None,
        start: Start = "beginning",
        **rules: Any,
    ) -> bool:
        """Creates a subscription to the events for which all that is given holds.

        `rules` are the fields of Definition: after_parked, max_attempts, retry_seconds,
        lease_seconds, max_unsettled. False when it is there already, just like that. Raises
        SubscriptionExists when it is there with another definition, InvalidEvent or
        ConfigurationError.
        """
        check_name(name, "subscription", MAX_NAME)
        definition = Definition(event_types, categories, correlation_id, tags, **rules)
        definition.check()
        first = start_position(start)
        return bool(self._ask("create", name, **definition.arguments(), start_position=first)[0])

    def list(self) -> list[SubscriptionStatus]:
        """All subscriptions, in order of their names."""
        return self._database.read(lambda c: reading.status(c, self._database.tenant))

    def show(self, name: str) -> SubscriptionStatus:
        """One subscription as it is now; raises NotFound."""
        found = self._database.read(lambda c: reading.status(c, self._database.tenant, name))
        if not found:
            raise NotFound("subscription", name, _SEE_LIST)
        return found[0]

    def drop(self, name: str, *, force: bool = False) -> None:
        """Removes a subscription and what it knows; the events stay.

        Raises NotFound; without `force`, SubscriptionInUse when it has consumers or parked events.
        """
        self._ask("drop", name, forced=force)

    def consumer(
        self,
        name: str,
        *,
        consumer: str | None = None,
        batch: int = BATCH,
        until_idle: bool = False,
    ) -> Consumer:
        """A consumer, for a `with` block: iterate over its deliveries and settle each.

        `consumer` is how it calls itself, by default host and process. Any number of them, in any
        number of processes, share the work. Raises NotFound when the block begins.
        """
        check_name(name, "subscription", MAX_NAME)
        if consumer is not None:
            check_name(consumer, "consumer", MAX_NAME)
        if not 1 <= batch <= 10_000:
            raise ConfigurationError("batch", f"{batch} is not in 1..10000")
        return Consumer(
            self._database, self._registry, name, name=consumer, batch=batch, until_idle=until_idle
        )

    def consume(self, name: str, handler: Handler, **options: Any) -> int:
        """Calls `handler` with every delivery until Ctrl-C, or until idle; see `handling`.

        `options` are those of `consumer`. Returns how many deliveries it handled.
        """
        handled = 0
        with self.consumer(name, **options) as consumer:
            for delivery in consumer:
                with attempt(delivery):
                    handler(delivery)
                handled += 1
        return handled

    def parked(self, name: str, *, after: int = 0, limit: int = 1000) -> Sequence[ParkedEvent]:
        """Events that were set aside, in order of position; raises NotFound."""
        tenant = self._database.tenant
        found = self._database.read(
            lambda c: reading.parked(c, tenant, name, after=after, limit=limit)
        )
        if not found:
            self.show(name)
        return found

    def resolved(self, name: str, position: int) -> Sequence[dict[str, Any]]:
        """What became of an event whenever it was parked before: when, by whom and why."""
        tenant = self._database.tenant
        return self._database.read(lambda c: reading.resolved(c, tenant, name, position))

    def retry(
        self, name: str, positions: Sequence[int] | None = None, *, who: str
    ) -> Sequence[int]:
        """Has parked events delivered again, all or those at some positions, in order.

        Returns their positions; raises NotFound.
        """
        return self._resolve(name, positions, "retried", who, None)

    def discard(self, name: str, position: int, reason: str, *, who: str) -> None:
        """Leaves a parked event out for good, and lets what waits behind it go on.

        The store keeps who did that and why. Raises NotFound, also when it is not parked.
        """
        if not reason.strip():
            raise ConfigurationError("reason", "say why the event may be left out")
        if not self._resolve(name, [position], "discarded", who, reason):
            raise NotFound(
                "parked event", position, f"see `eventstore subscriptions parked list {name}`"
            )

    def _resolve(
        self,
        name: str,
        positions: Sequence[int] | None,
        resolution: Literal["retried", "discarded"],
        who: str,
        remark: str | None,
    ) -> Sequence[int]:
        wanted = None if positions is None else [*positions]
        for position in wanted or ():
            if not is_position(position):
                raise ConfigurationError("position", f"{position!r} is no position")
        return self._ask(
            "resolve", name, positions=wanted, resolution=resolution, who=who, remark=remark
        )

    def _ask(self, query: str, name: str, **values: Any) -> Sequence[Any]:
        """The first column of the answer, over a connection of the subscriber's."""
        values |= {"tenant": self._database.tenant, "name": name}
        with answered(name), closing(self._database.subscriber()) as connection:
            return [row[0] for row in connection.execute(_SQL[query], values).fetchall()]
