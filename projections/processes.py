"""Work in processes of their own: as many at once as there are cores, each a task at a time."""

from __future__ import annotations

import os
import pickle
import signal
import traceback
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from multiprocessing import get_context, parent_process
from multiprocessing.connection import Connection as Pipe
from multiprocessing.connection import wait
from multiprocessing.process import BaseProcess
from threading import Event as Signal
from threading import Lock, Thread, local
from types import TracebackType
from typing import Any, Final, Protocol, Self, TypeVar

from eventstore.errors import EventStoreError
from projections.errors import WorkerLost

__all__ = ["Processes", "Stopped", "Task", "can_travel", "cores"]

R = TypeVar("R", covariant=True)

_LOOK: Final = 0.1
"""Seconds between two looks at whether to stop."""


class Task(Protocol[R]):
    """What can be pickled and run; it tells how far it is as often as it likes."""

    @property
    def name(self) -> str:
        """What it works on, for people."""

    def run(self, report: Callable[..., None]) -> R:
        """The whole task. An exception from `report` ends it."""


class Stopped(Exception):
    """The task was given up because another one failed."""


def cores() -> int:
    """How many processes can run at once."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def can_travel(task: object) -> bool:
    """Whether another process would understand the task.

    A class of the main program would be found there only by running that program again.
    """
    try:
        encoded = pickle.dumps(task)
    except (pickle.PicklingError, AttributeError, TypeError):
        return False
    return b"__main__" not in encoded


class Processes:
    """Starts each process when there is work for it; at the end of the block all are gone.

    They are started afresh rather than forked, which no process with threads survives for sure. A
    process whose parent dies ends itself.
    """

    def __init__(self, count: int) -> None:
        self._threads = ThreadPoolExecutor(count, thread_name_prefix="process")
        self._own = local()
        self._children: list[BaseProcess] = []
        self._mutex, self._stopped = Lock(), False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    def submit(self, task: Task[R], report: Callable[..., None], stop: Signal) -> Future[R]:
        """The task's result, or what it raised; WorkerLost when its process died.

        `report` is called in a thread. Once `stop` is set the task ends with Stopped.
        """
        return self._threads.submit(self._run, task, report, stop)

    def stop(self) -> None:
        """Kills them all: what they had not committed is as if they had not begun it."""
        with self._mutex:
            self._stopped = True
            for child in self._children:
                child.kill()
        self._threads.shutdown(cancel_futures=True)
        for child in self._children:
            child.join()

    def _run(self, task: Task[R], report: Callable[..., None], stop: Signal) -> R:
        if stop.is_set():
            raise Stopped
        child, pipe = self._child()
        try:
            pipe.send(task)
            while True:
                while not pipe.poll(_LOOK):
                    if stop.is_set():
                        raise Stopped
                word, value = pipe.recv()
                if word == "done":
                    result: R = value
                    return result
                if word == "failed":
                    raise _unpacked(*value)
                if stop.is_set():
                    raise Stopped
                report(*value)
        except (EOFError, ConnectionError):
            self._end(child, pipe)
            raise WorkerLost(task.name, child.exitcode) from None
        except BaseException as error:
            if not hasattr(error, "_from_child"):  # else it waits for its next task
                self._end(child, pipe)
            raise

    def _child(self) -> tuple[BaseProcess, Pipe]:
        """This thread's process."""
        there: tuple[BaseProcess, Pipe] | None = getattr(self._own, "child", None)
        if there is None:
            context = get_context("spawn")
            ours, theirs = context.Pipe()
            child = context.Process(target=_serve, args=(theirs,), daemon=True)
            with self._mutex:
                if self._stopped:
                    raise Stopped
                child.start()
                self._children.append(child)
            theirs.close()
            there = self._own.child = child, ours
        return there

    def _end(self, child: BaseProcess, pipe: Pipe) -> None:
        child.kill()
        child.join()
        pipe.close()
        self._own.child = None


def _serve(pipe: Pipe) -> None:
    """The life of a process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's matter
    Thread(target=_end_with_parent, daemon=True).start()
    while True:
        try:
            task: Task[Any] = pipe.recv()
            result = task.run(lambda *values: pipe.send(("report", values)))
        except EOFError:
            return
        except Exception as error:  # noqa: BLE001 - it is raised in the parent
            pipe.send(("failed", _packed(error)))
        else:
            pipe.send(("done", result))


def _end_with_parent() -> None:
    parent = parent_process()
    assert parent is not None, "this is a child"
    wait([parent.sentinel])
    os._exit(1)


def _packed(error: Exception) -> tuple[type[Exception], tuple[Any, ...], dict[str, Any]]:
    """An error in a form that survives the way: ours do not pickle, as they word themselves."""
    where = "".join(traceback.format_exception(error))
    if not isinstance(error, EventStoreError):
        return RuntimeError, (where,), {}
    return (
        type(error),
        error.args,
        vars(error) | {"__notes__": [f"in a process of its own:\n{where}"]},
    )


def _unpacked(kind: type[Exception], args: tuple[Any, ...], facts: dict[str, Any]) -> Exception:
    error = kind.__new__(kind)
    error.args = args
    error.__dict__.update(facts, _from_child=True)
    return error
