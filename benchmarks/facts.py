"""What the numbers were measured on, as far as it matters and names nobody."""

from __future__ import annotations

import os
import platform
from pathlib import Path
from statistics import median
from tempfile import TemporaryFile
from time import perf_counter

import psutil

from benchmarks.history import source
from benchmarks.sandbox import Sandbox

__all__ = ["facts"]


def facts(sandbox: Sandbox) -> dict[str, str]:
    """Name and value of each fact, fit to be printed."""
    version, fsync, commit, pages, buffers, method = sandbox.settings()
    return {
        "cores": str(os.cpu_count()),
        "memory": f"{psutil.virtual_memory().total / 2**30:.0f} GiB",
        "system": f"{platform.system()} {platform.machine()}",
        "Python": platform.python_version(),
        "PostgreSQL": f"{version}, fsync {fsync}, synchronous_commit {commit}, "
        f"full_page_writes {pages}, shared_buffers {buffers}",
        "package histories": source(),
        "flush of 8 kB to disk": f"{_flush_seconds(sandbox.server.home) * 1e6:.0f} µs ({method})",
    }


def _flush_seconds(directory: Path) -> float:
    """Median seconds of overwriting a page and flushing it, as a commit does."""
    page, taken = bytes(8192), []
    flush = getattr(os, "fdatasync", os.fsync)
    with TemporaryFile(dir=directory) as file:
        for _ in range(200):
            began = perf_counter()
            os.pwrite(file.fileno(), page, 0)
            flush(file.fileno())
            taken.append(perf_counter() - began)
    return median(taken)
