"""Child processes that speak JSON: a line in is a command, a line out is its answer.

A child runs a module of this folder with `python -m`, so it shares nothing with the test but the
database.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[3]


class Child:
    """A running module."""

    def __init__(self, module: str, *arguments: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", f"tests.integration.log.{module}", *arguments],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            bufsize=1,
        )

    def tell(self, **command: Any) -> None:
        """Sends a command."""
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(command) + "\n")
        self.process.stdin.flush()

    def hear(self) -> Any:
        """The next answer."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, f"{self.process.args!r} ended with {self.process.wait(10)}"
        return json.loads(line)

    def end_input(self) -> None:
        """Lets it end by itself."""
        assert self.process.stdin is not None
        self.process.stdin.close()

    def close(self) -> None:
        """Ends it, by force should it not want to."""
        assert self.process.stdout is not None
        self.end_input()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()


@contextmanager
def children(count: int, module: str, *arguments: str) -> Iterator[list[Child]]:
    """That many children, each ready, the last argument being its number."""
    started: list[Child] = []
    with ExitStack() as stack:
        for number in range(count):
            started.append(Child(module, *arguments, str(number)))
            stack.callback(started[-1].close)
        for child in started:
            assert child.hear() == "ready"
        yield started
        for child in started:
            child.end_input()


def commands() -> Iterator[dict[str, Any]]:
    """In a child: says that it is ready, then gives each command."""
    answer("ready")
    for line in sys.stdin:
        yield json.loads(line)


def answer(value: Any) -> None:
    """In a child: sends an answer."""
    sys.stdout.write(json.dumps(value) + "\n")
    sys.stdout.flush()
