"""The workloads: each measures one thing that users do, beside its floor where there is one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from benchmarks.measure import Outcome, Plan
from benchmarks.sandbox import Sandbox
from benchmarks.workloads.append import append
from benchmarks.workloads.batch import batch
from benchmarks.workloads.cache import cache
from benchmarks.workloads.catch_up import catch_up
from benchmarks.workloads.concurrent import concurrent
from benchmarks.workloads.growth import growth
from benchmarks.workloads.history import history
from benchmarks.workloads.importing import importing
from benchmarks.workloads.ingest import ingest
from benchmarks.workloads.latency import latency
from benchmarks.workloads.live import live
from benchmarks.workloads.peers import peers
from benchmarks.workloads.read import read
from benchmarks.workloads.rebuild import rebuild
from benchmarks.workloads.search import search

__all__ = ["SECTIONS", "WORKLOADS", "Workload"]

Workload = Callable[[Sandbox, Plan, Callable[[str], None]], Iterator[Outcome]]

SECTIONS: Final[dict[str, dict[str, Workload]]] = {
    "log": {
        "append": append,
        "concurrent": concurrent,
        "batch": batch,
        "import": importing,
        "read": read,
        "catch-up": catch_up,
        "ingest": ingest,
    },
    "projections": {
        "history": history,
        "rebuild": rebuild,
        "live": live,
        "latency": latency,
        "peers": peers,
    },
    "growth": {"growth": growth},
    "contexts": {"cache": cache},
    "search": {"search": search},
}
"""By section of docs/benchmarks.md and by name, in the order in which they run."""

WORKLOADS: Final = {
    name: workload for section in SECTIONS.values() for name, workload in section.items()
}
