"""`eventstore projections run` in a process of its own, with its pages and what it says."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from threading import Thread
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from prometheus_client.parser import text_string_to_metric_families

from tests.integration.projections.running import until


class DaemonProcess:
    """The process, and every line that it has said."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.lines: list[str] = []
        self._thread = Thread(target=self._listen, daemon=True)
        self._thread.start()

    def _listen(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.lines.append(line.rstrip("\n"))

    def said(self) -> list[dict[str, Any]]:
        """What it said: JSON to the last line."""
        return [json.loads(line) for line in list(self.lines)]

    def events(self, name: str) -> list[dict[str, Any]]:
        """The lines about one kind of event."""
        return [line for line in self.said() if line["event"] == name]

    @property
    def address(self) -> str:
        """Where its pages are."""
        (line,) = until(lambda: self.events("listening"), "it listens")
        return f"http://{line['address']}"

    def get(self, page: str, method: str = "GET") -> tuple[int, str]:
        """Status and body of a page."""
        try:
            with urlopen(Request(self.address + page, method=method), timeout=20) as answer:
                return answer.status, answer.read().decode()
        except HTTPError as error:
            return error.code, error.read().decode()

    def facts(self, page: str) -> tuple[int, dict[str, Any]]:
        """Status and facts of a page with JSON."""
        status, body = self.get(page)
        return status, json.loads(body)

    def metrics(self) -> dict[tuple[str, ...], float]:
        """Every sample by its name and the values of its labels, in order of their names."""
        status, body = self.get("/metrics")
        assert status == 200
        return {
            (sample.name, *(sample.labels[name] for name in sorted(sample.labels))): sample.value
            for family in text_string_to_metric_families(body)
            for sample in family.samples
        }


@contextmanager
def daemon_process(
    url: str, *words: str, environment: Mapping[str, str] | None = None
) -> Iterator[DaemonProcess]:
    """Runs until the block ends. It says all in JSON, and serves its pages on a free port."""
    command = [sys.executable, "-m", "eventstore", "projections", "run", *words]
    process = subprocess.Popen(
        [*command, "--http", "127.0.0.1:0", "--log-format", "json"],
        env=os.environ | {"EVENTSTORE_DATABASE_URL": url} | dict(environment or {}),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        try:
            yield DaemonProcess(process)
        finally:
            process.kill()
