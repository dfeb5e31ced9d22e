"""A projector with a hook, in a process of its own, to be killed in the middle of a call.

Arguments: the database's URL; the file to which the hook writes a line for each event that it is
told of; and after how many lines it does what comes last: `die` at once, `wait` for ever, or
`stop` never.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from threading import Event

from projections.hooks import Changes, Hook
from projections.live.daemon import run_daemon
from tests.integration.projections.things import Things


class Writing(Hook):
    name, projection = "writing", "things"

    def __init__(self, path: str, lines: int, then: str) -> None:
        self._path, self._left, self._then = path, lines, then

    def after_commit(self, changes: Changes) -> None:
        for recorded in changes.events:
            with Path(self._path).open("a", encoding="utf-8") as file:
                file.write(f"{os.getpid()} {recorded.position}\n")
            self._left -= 1
            if self._left == 0 and self._then == "die":
                os.kill(os.getpid(), signal.SIGKILL)
            if self._left == 0 and self._then == "wait":
                Event().wait()


if __name__ == "__main__":
    url, path, lines, then = sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4]
    hook = Writing(path, lines, then)
    run_daemon(url, [Things()], Event(), lease_seconds=0.5, batch=7, hooks=[hook])
