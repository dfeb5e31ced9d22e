"""The projector of the demo: `eventstore projections run`, in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from time import monotonic
from types import TracebackType
from typing import Final, Self

from eventstore.config import Settings
from projections.catalogue import PROJECTIONS
from projections.errors import ProjectionError
from projections.monitor.status import status
from projections.session import Connection

__all__ = ["Projector", "ProjectorFailed"]

_PATIENCE: Final = 60.0
"""Seconds without progress after which waiting is given up."""
_LOOK: Final = 0.02
"""Seconds between two looks at the checkpoints."""
_FAREWELL: Final = 20.0
"""Seconds that it gets to end its batch."""


class ProjectorFailed(ProjectionError):
    """The projector's process ended, or stands still, before the tables were up to date."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(f"the projector did not finish: {reason}")


class Projector:
    """Runs from `with` until `stop`, or until the block ends."""

    def __init__(self, settings: Settings) -> None:
        self._environment = dict(os.environ)
        # Not in the arguments, which anybody on the machine can read: it may hold a password.
        if settings.database_url is not None:
            self._environment["EVENTSTORE_DATABASE_URL"] = settings.database_url
        else:
            self._environment["EVENTSTORE_HOME"] = str(settings.home)

    def __enter__(self) -> Self:
        self._said = tempfile.TemporaryFile()  # closed at the end of the block
        self._process = subprocess.Popen(
            [sys.executable, "-m", "eventstore", "projections", "run"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=self._said,
            env=self._environment,
            start_new_session=True,  # Ctrl-C is for the demo, which then stops the projector
        )
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()
        self._said.close()

    @property
    def pid(self) -> int:
        """The number of its process."""
        return self._process.pid

    def wait(self, conn: Connection, position: int, report: Callable[[int], None]) -> None:
        """Returns when every projection has come to `position`; `report` hears how far they are.

        Raises ProjectorFailed.
        """
        came_to, deadline = -1, monotonic() + _PATIENCE
        while True:
            found = status(conn, PROJECTIONS).projections
            for each in found:
                if each.state in {"failed", "paused"} and each.position < position:
                    raise ProjectorFailed(str((each.last_error or {}).get("error")))
            lowest = min(each.position for each in found if each.build == "live")
            report(lowest)
            if lowest >= position:
                return
            if lowest > came_to:
                came_to, deadline = lowest, monotonic() + _PATIENCE
            if monotonic() > deadline:
                raise ProjectorFailed(f"for {_PATIENCE:.0f} s it has stood at position {lowest}")
            if self._ended_within(_LOOK):
                raise ProjectorFailed(self._last_words())

    def stop(self) -> int:
        """Asks it to end its batch and stop, with SIGTERM; returns its exit code."""
        self._process.terminate()
        if not self._ended_within(_FAREWELL):
            self._process.kill()
        return self._process.wait()

    def _ended_within(self, seconds: float) -> bool:
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            return False
        return True

    def _last_words(self) -> str:
        self._said.seek(0)
        lines = self._said.read().decode(errors="replace").strip().splitlines()
        return lines[-1] if lines else f"exit code {self._process.returncode}"
