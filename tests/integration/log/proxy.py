"""A socket between store and server that can be cut at a chosen point of the conversation."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Lock, Thread

_PORT = ".s.PGSQL.5432"
Rule = Callable[[bytes], bool]


class Proxy:
    """Forwards both ways, until a rule says of some bytes that they shall not arrive.

    Then both sides of that one connection are closed, and the rule is spent.
    """

    def __init__(self, directory: Path, server: Path) -> None:
        self.directory, self._server = directory, server
        self.cuts = 0
        self._rules: dict[str, Rule | None] = {"request": None, "answer": None}
        self._lock = Lock()
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(directory / _PORT))
        self._listener.listen(64)
        self._open: set[socket.socket] = set()
        self._threads = [Thread(target=self._accept)]
        self._threads[0].start()

    def cut_at(self, way: str, rule: Rule = lambda data: True) -> None:
        """Cuts the next connection whose next `request` or `answer` fits the rule."""
        with self._lock:
            self._rules[way] = rule

    def cut_all(self) -> None:
        """Cuts every connection now."""
        with self._lock:
            self.cuts += len(self._open)
            for one in self._open:
                _shut(one)

    def close(self) -> None:
        _shut(self._listener)
        self._listener.close()
        self.cut_all()
        for thread in self._threads:
            thread.join()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            server = socket.socket(socket.AF_UNIX)
            try:
                server.connect(str(self._server / _PORT))
            except OSError:
                client.close()
                server.close()
                continue
            with self._lock:
                self._open |= {client, server}
            for way, source, target in (("request", client, server), ("answer", server, client)):
                self._threads.append(Thread(target=self._pump, args=(way, source, target)))
                self._threads[-1].start()

    def _pump(self, way: str, source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                if self._cuts(way, data):
                    break
                target.sendall(data)
        _shut(target)
        _shut(source)
        with self._lock:
            self._open.discard(source)
        source.close()

    def _cuts(self, way: str, data: bytes) -> bool:
        with self._lock:
            rule = self._rules[way]
            if rule is None or not rule(data):
                return False
            self._rules[way] = None
            self.cuts += 1
            return True


def _shut(one: socket.socket) -> None:
    with suppress(OSError):
        one.shutdown(socket.SHUT_RDWR)


@contextmanager
def proxied(directory: Path, server: Path) -> Iterator[Proxy]:
    """A proxy in a directory of its own before the server whose socket is in the other one."""
    proxy = Proxy(directory, server)
    try:
        yield proxy
    finally:
        proxy.close()
