"""The benchmark's side of a store's process: commands out, answers in."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import IO, Any, Final, Self

import orjson

from benchmarks.events import PAYLOAD
from eventstore.connection.queries import load

__all__ = ["Child"]

_SQL: Final = load("benchmarks.sql", "logs.sql")


class Child:
    """A process that has a store open, until the block ends."""

    def __init__(
        self, command: Sequence[str], environment: Mapping[str, str], told: Mapping[str, str]
    ) -> None:
        self._process = subprocess.Popen(
            command, env=dict(environment), stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        first = {"payload": orjson.loads(PAYLOAD), "sql": {**_SQL, "payload_text": PAYLOAD, **told}}
        self._send(first)

    def __enter__(self) -> Self:
        self.answer()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if error is not None:
            self._process.kill()
        self._pipe(self._process.stdin).close()
        self._process.wait()
        self._pipe(self._process.stdout).close()

    def tell(self, command: str, **arguments: Any) -> None:
        """Sends a command, whose answer is to be fetched."""
        self._send({"do": command, **arguments})

    def answer(self) -> dict[str, Any]:
        """The answer to the command before; raises RuntimeError when the process has ended."""
        line = self._pipe(self._process.stdout).readline()
        if not line:
            raise RuntimeError(f"{self._process.args!r} ended with {self._process.wait()}")
        answer: dict[str, Any] = orjson.loads(line)
        return answer

    def ask(self, command: str, **arguments: Any) -> dict[str, Any]:
        """Sends a command and waits for its answer."""
        self.tell(command, **arguments)
        return self.answer()

    def _send(self, value: Any) -> None:
        pipe = self._pipe(self._process.stdin)
        pipe.write(orjson.dumps(value) + b"\n")
        pipe.flush()

    @staticmethod
    def _pipe(pipe: IO[bytes] | None) -> IO[bytes]:
        assert pipe is not None, "both ends are piped"
        return pipe
