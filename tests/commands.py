"""Commands of `eventstore`, run without waiting for a Python of their own to start."""

from __future__ import annotations

import signal
import subprocess

import pytest

from eventstore.cli.main import main


def run_here(capsys: pytest.CaptureFixture[str], *words: str) -> subprocess.CompletedProcess[str]:
    """Runs a command in the test's process, and leaves the process as it was."""
    capsys.readouterr()
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        code = main(words)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    said = capsys.readouterr()
    return subprocess.CompletedProcess(words, code, said.out, said.err)
