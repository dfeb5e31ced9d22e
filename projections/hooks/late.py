"""What whoever applies held events owes to the hooks: word that they are applied now."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from eventstore.connection.queries import load
from projections.checkpoint import Lease
from projections.flight import Executes

__all__ = ["tell_hooks_late"]

_SQL: Final = load("projections.sql", "hooks.sql")


def tell_hooks_late(conn: Executes, lease: Lease, positions: Sequence[int]) -> None:
    """The live tables have these events now, which were held until then.

    Inside the transaction that writes their rows, and before they leave projections.failures. Not
    for an event that was discarded.
    """
    if positions and lease.build == "live":
        facts = {"projection": lease.projection, "positions": list(positions)}
        conn.execute(_SQL["tell_late"], facts)
