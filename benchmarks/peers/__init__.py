"""Other event stores for Python on PostgreSQL, each used as its own documentation says.

An adapter has `fill(url, keys, events)`, which appends the events through its package, and
`project(url)`, which runs the package's projection runner over them from the first one on and
returns the seconds until the last row is written. One that can follow has `follow(url)` and
`Appending(url)` besides. Every adapter folds the same: releases of
packages, `keys` of them, into a row each that counts them and keeps the last.

Left out is logicblocks-event-store: it has PostgreSQL from 0.1.3 on, which needs Python 3.13, and
the release for Python 3.11 is an empty placeholder.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from importlib import import_module
from importlib.metadata import version
from importlib.util import find_spec
from multiprocessing import get_context
from multiprocessing.connection import Connection as Pipe
from typing import Any, Final, Protocol
from uuid import UUID

__all__ = ["PEERS", "Appending", "Peer", "releases"]


class Appending(Protocol):
    """What registers packages with a peer, an append each."""

    def register(self, package: UUID) -> None:
        """Appends the first event of a package."""


class Peer:
    """One package, which runs in processes of its own."""

    def __init__(self, distribution: str, package: str) -> None:
        self.distribution, self._package = distribution, package
        self._adapter = f"benchmarks.peers.with_{package}"

    @property
    def label(self) -> str:
        """Name and version."""
        return f"{self.distribution} {version(self.distribution)}"

    def require(self) -> None:
        """Raises ModuleNotFoundError when it is not installed."""
        if find_spec(self._package) is None:
            raise ModuleNotFoundError(
                f"{self.distribution} is not installed; pip install '.[bench]' brings it"
            )

    def fill(self, url: str, keys: int, events: int) -> None:
        """Appends the events to an empty database."""
        self._run("fill", url, keys, events)

    def project(self, url: str) -> float:
        """Seconds of folding all events of a filled database."""
        return float(self._run("project", url))

    @contextmanager
    def following(self, url: str) -> Iterator[None]:
        """Its projector in a process of its own, while the block lasts."""
        process = get_context("spawn").Process(
            target=_call_silently, args=(self._adapter, "follow", url), daemon=True
        )
        process.start()
        try:
            yield
        finally:
            process.kill()
            process.join()

    def appending(self, url: str) -> AbstractContextManager[Appending]:
        """Its application, in this process."""
        made: AbstractContextManager[Appending] = import_module(self._adapter).Appending(url)
        return made

    def _run(self, task: str, *arguments: Any) -> Any:
        context = get_context("spawn")
        here, there = context.Pipe(duplex=False)
        process = context.Process(target=_call, args=(self._adapter, task, arguments, there))
        process.start()
        there.close()
        try:
            return here.recv()
        except EOFError:
            raise RuntimeError(f"{self.label} ended with an error") from None
        finally:
            process.join()


def releases(keys: int, events: int) -> Iterator[tuple[UUID, str]]:
    """(package, release) of each event: all packages in turn, again and again."""
    for number in range(events):
        yield UUID(int=number % keys + 1), f"{number // keys}.{number % 97}"


def _call_silently(adapter: str, task: str, url: str) -> None:
    getattr(import_module(adapter), task)(url)


def _call(adapter: str, task: str, arguments: tuple[Any, ...], told: Pipe) -> None:
    told.send(getattr(import_module(adapter), task)(*arguments))


PEERS: Final = (Peer("eventsourcing", "eventsourcing"), Peer("eventsource-py", "eventsource"))
