"""Work in processes of their own: as many at once as there are cores, each a task at a time."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import traceback
from collections.abc import Callable, Collection
from concurrent.futures import (
    ALL_COMPLETED,
    FIRST_EXCEPTION,
    Future,
    ThreadPoolExecutor,
    wait,
)
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from threading import Event as Signal
from threading import Lock, Thread, local
from types import TracebackType
from typing import Any, Final, Protocol, Self, TypeVar

from eventstore.errors import EventStoreError
from projections.errors import WorkerLost

__all__ = ["Processes", "Stopped", "Task", "can_travel", "cores", "wait_for"]

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


def wait_for(futures: Collection[Future[Any]], *, first_error: bool = False) -> None:
    """Until all are done, or one has failed. Signals are heard meanwhile.

    One that comes in the moment before a thread blocks is not handled until it wakes.
    """
    until = FIRST_EXCEPTION if first_error else ALL_COMPLETED
    while True:
        done, left = wait(futures, _LOOK, until)
        if not left or (first_error and any(each.cancelled() or each.exception() for each in done)):
            return


def can_travel(task: object) -> bool:
    """Whether another process would understand the task: it does not run the main program."""
    try:
        encoded = pickle.dumps(task)
    except (pickle.PicklingError, AttributeError, TypeError):
        return False
    return b"__main__" not in encoded


class Processes:
    """Starts each process when there is work for it; at the end of the block all are gone.

    They are started afresh: a fork of a process with threads may hang, and multiprocessing would
    run the main program again in each. A process whose parent dies ends itself.
    """

    def __init__(self, count: int) -> None:
        self._threads = ThreadPoolExecutor(count, thread_name_prefix="process")
        self._own = local()
        self._children: list[_Child] = []
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
        with self._mutex:
            if not self._stopped:
                return self._threads.submit(self._run, task, report, stop)
        stopped: Future[R] = Future()
        stopped.set_exception(Stopped())
        return stopped

    def stop(self) -> None:
        """Kills them all: what they had not committed is as if they had not begun it."""
        with self._mutex:
            self._stopped = True
            for child in self._children:
                child.end()
        self._threads.shutdown(cancel_futures=True)

    def _run(self, task: Task[R], report: Callable[..., None], stop: Signal) -> R:
        if stop.is_set():
            raise Stopped
        child = self._child()
        try:
            child.send(task)
            while True:
                word, value = child.receive(stop)
                if word == "done":
                    result: R = value
                    return result
                if word == "failed":
                    raise _unpacked(*value)
                report(*value)
        except EOFError:
            self._own.child = None
            status = child.end()
            if self._stopped:
                raise Stopped from None
            raise WorkerLost(task.name, status) from None
        except BaseException as error:
            if not hasattr(error, "_from_child"):  # else it waits for its next task
                self._own.child = None
                child.end()
            raise

    def _child(self) -> _Child:
        """This thread's process."""
        there: _Child | None = getattr(self._own, "child", None)
        if there is None:
            with self._mutex:
                if self._stopped:
                    raise Stopped
                there = self._own.child = _Child()
                self._children.append(there)
        return there


class _Child:
    """A process, and the pipe to it."""

    def __init__(self) -> None:
        self._pipe, theirs = Pipe()
        program = f"from {__name__} import serve; serve({theirs.fileno()})"
        self._process = subprocess.Popen(
            [sys.executable, "-c", program],
            stdin=subprocess.PIPE,  # its end tells the child that we are gone
            stdout=subprocess.DEVNULL,
            pass_fds=[theirs.fileno()],
            start_new_session=True,  # Ctrl-C is our matter: we end it, or our end does
            env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        )
        theirs.close()

    def send(self, task: Task[Any]) -> None:
        """Raises EOFError when it is dead."""
        try:
            self._pipe.send(task)
        except OSError as error:
            raise EOFError from error

    def receive(self, stop: Signal) -> tuple[str, Any]:
        """Its next message; raises EOFError when it is dead, and Stopped once that is set."""
        try:
            while not self._pipe.poll(_LOOK):
                if stop.is_set():
                    raise Stopped
            word, value = self._pipe.recv()
        except OSError as error:
            raise EOFError from error
        if stop.is_set():
            raise Stopped
        return word, value

    def end(self) -> int:
        """Kills it if it lives; its exit status, or minus the signal that killed it."""
        self._process.kill()
        status = self._process.wait()
        assert self._process.stdin is not None, "it has a pipe"
        self._process.stdin.close()
        return status


def serve(descriptor: int) -> None:
    """The life of a process, which has that end of the pipe."""
    Thread(target=_end_with_parent, daemon=True).start()
    pipe: Connection[Any, Any] = Connection(descriptor)
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
    sys.stdin.buffer.read()
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
