"""A small web server for a daemon's operators: /metrics, /healthz and /readyz, and nothing else.

It runs in threads of its own and answers GET; it knows no secrets, and yet listens on this machine
only, unless it is told another address.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterable, Mapping
from socketserver import TCPServer, ThreadingMixIn
from threading import Thread
from types import TracebackType
from typing import Any, Final, Self
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

import orjson

from eventstore.errors import ConfigurationError

__all__ = ["Answer", "Web", "json_answer", "text_answer"]

Answer = tuple[str, str, bytes]
"""Status line, content type, body."""

_LOOPBACK: Final = "127.0.0.1"
_TIMEOUT: Final = 10.0
"""Seconds that a client may take over its request."""


def json_answer(good: bool, facts: Any) -> Answer:
    """200 or 503, with facts."""
    status = "200 OK" if good else "503 Service Unavailable"
    return status, "application/json", orjson.dumps(facts, default=str) + b"\n"


def text_answer(content: bytes) -> Answer:
    """200, in the text format of Prometheus."""
    return "200 OK", "text/plain; version=0.0.4; charset=utf-8", content


class Web:
    """Listens from its construction on, and answers from `with` until the block ends.

    `address` is HOST:PORT or a PORT of this machine; port 0 takes a free one. Raises
    ConfigurationError when it can't listen there.
    """

    def __init__(self, address: str, pages: Mapping[str, Callable[[], Answer]]) -> None:
        host, port = _parsed(address)
        self._pages = pages
        try:
            self._server = _Server(host, port)
        except OSError as error:
            raise ConfigurationError(
                "--http", f"can't listen on {address}: {error.strerror or error}"
            ) from error
        self._server.set_app(self._answer)
        self._thread = Thread(target=self._server.serve_forever, name="web", daemon=True)

    @property
    def address(self) -> str:
        """Where it listens."""
        host, port = self._server.server_address[:2]
        return f"[{host!s}]:{port}" if ":" in str(host) else f"{host!s}:{port}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _answer(
        self, environ: Mapping[str, Any], start_response: Callable[..., Any]
    ) -> Iterable[bytes]:
        page = self._pages.get(str(environ.get("PATH_INFO")))
        if page is None:
            status, kind, body = "404 Not Found", "text/plain", " ".join(self._pages).encode()
        elif environ.get("REQUEST_METHOD") not in ("GET", "HEAD"):
            status, kind, body = "405 Method Not Allowed", "text/plain", b"GET\n"
        else:
            status, kind, body = page()
        start_response(status, [("Content-Type", kind), ("Content-Length", str(len(body)))])
        return [] if environ.get("REQUEST_METHOD") == "HEAD" else [body]


class _Handler(WSGIRequestHandler):
    timeout = _TIMEOUT

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - its name above
        """Nothing: a scrape every few seconds is no news."""


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True
    allow_reuse_port = False  # two daemons would share it without knowing

    def __init__(self, host: str, port: int) -> None:
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        super().__init__((host, port), _Handler)

    def server_bind(self) -> None:
        """As above, without asking the name service who we are, which can take long."""
        TCPServer.server_bind(self)
        self.server_name, self.server_port = str(self.server_address[0]), self.server_address[1]
        self.setup_environ()


def _parsed(address: str) -> tuple[str, int]:
    host, _, port = address.rpartition(":")
    if not (port.isascii() and port.isdigit() and int(port) < 65_536):
        raise ConfigurationError("--http", f"{address!r} is neither HOST:PORT nor a PORT")
    return host.strip("[]") or _LOOPBACK, int(port)
