"""The workloads: each measures one thing that users do, beside its floor where there is one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from benchmarks.measure import Outcome, Plan
from benchmarks.sandbox import Sandbox
from benchmarks.workloads.append import append
from benchmarks.workloads.batch import batch
from benchmarks.workloads.latency import latency
from benchmarks.workloads.read import read
from benchmarks.workloads.rebuild import rebuild

__all__ = ["WORKLOADS", "Workload"]

Workload = Callable[[Sandbox, Plan, Callable[[str], None]], Iterator[Outcome]]

WORKLOADS: Final[dict[str, Workload]] = {
    "append": append,
    "batch": batch,
    "read": read,
    "rebuild": rebuild,
    "latency": latency,
}
"""By name, in the order in which they run."""
