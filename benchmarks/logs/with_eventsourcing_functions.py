"""The package eventsourcing, with its database functions on."""

from __future__ import annotations

from benchmarks.logs import with_eventsourcing

__all__ = ["Store"]


class Store(with_eventsourcing.Store):
    functions = True
