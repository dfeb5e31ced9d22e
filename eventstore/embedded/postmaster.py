"""The processes of a cluster: its postmaster, and what a killed one leaves behind."""

from __future__ import annotations

import signal
from pathlib import Path

import psutil

__all__ = ["end_orphans", "find", "pid_file", "pid_is_taken"]


def find(data: Path, mark: str) -> psutil.Process | None:
    """The live postmaster of a data directory; a reused process id doesn't count."""
    try:
        process = psutil.Process(int(pid_file(data)[0]))
    except (IndexError, ValueError, psutil.NoSuchProcess):
        return None
    return process if _bears(mark, process) else None


def pid_file(data: Path) -> list[str]:
    """The lines of postmaster.pid: the process id first, the state eighth; empty without one."""
    try:
        text = (data / "postmaster.pid").read_text()
    except FileNotFoundError:
        return []
    return [line.strip() for line in text.splitlines()]


def pid_is_taken(data: Path) -> bool:
    """Whether some process, be it a zombie, has the number in postmaster.pid."""
    lines = pid_file(data)
    return bool(lines) and lines[0].isdigit() and psutil.pid_exists(int(lines[0]))


def end_orphans(mark: str) -> bool:
    """Ends the children of a killed postmaster; True when some are still there after that.

    They keep the shared memory, and may be busy for long. A living postmaster would end them with
    SIGQUIT after a crash, so we do.
    """
    orphans = [process for process in psutil.process_iter() if _bears(mark, process)]
    for orphan in orphans:
        try:
            orphan.send_signal(signal.SIGQUIT)
        except psutil.NoSuchProcess:
            continue
    _, alive = psutil.wait_procs(orphans, timeout=5)
    return bool(alive)


def _bears(mark: str, process: psutil.Process) -> bool:
    """Whether a process is a postmaster with this mark or a child of one.

    The mark is in the arguments of the one and in the titles of the others. Both are public,
    while a process's directory is hidden from root in a container without CAP_SYS_PTRACE.
    """
    try:
        return process.name() == "postgres" and mark in " ".join(process.cmdline())
    except psutil.Error:  # gone, or a zombie
        return False
