"""What the demo shows while the crew works: a line an agent, with what it said last."""

from __future__ import annotations

from types import TracebackType
from typing import Final, Self

from rich.console import Console, RenderableType
from rich.progress import Progress, ProgressColumn, Task, TaskID, TextColumn
from rich.progress_bar import ProgressBar
from rich.table import Column
from rich.text import Text

from eventstore import RecordedEvent
from eventstore.reading.summary import one_line
from projections.demo.team import Team

__all__ = ["Sight"]

_LONGEST: Final = 200
"""Characters of a message that are kept; the terminal shows what fits."""


class Sight:
    """A live view from `with` until the block ends; it leaves nothing behind."""

    def __init__(self, console: Console, team: Team, packages: int, *, quiet: bool) -> None:
        self._progress = Progress(
            TextColumn("{task.description}"),
            TextColumn("{task.completed:>6,.0f}"),
            _Rest(table_column=Column(ratio=1, no_wrap=True, overflow="ellipsis")),
            console=console,
            disable=quiet or not console.is_terminal,
            expand=True,
            transient=True,
        )
        self._planner = team.planner.agent_id
        self._lines = {
            name: self._progress.add_task(name, total=None, said="") for name in team.agents
        }
        self._decided = self._progress.add_task("decided", total=packages, said="")
        self._tables: TaskID | None = None

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._progress.stop()

    def message(self, recorded: RecordedEvent) -> None:
        """An agent told another one something; from any thread."""
        said = one_line(str(recorded.payload.get("content")), _LONGEST)
        if recorded.agent in self._lines:
            self._progress.update(self._lines[recorded.agent], advance=1, said=said)
        if recorded.target_agent == self._planner:
            self._progress.advance(self._decided)

    def tables(self, position: int, target: int) -> None:
        """The tables hold what was said up to `position`, of `target`."""
        if self._tables is None:
            self._tables = self._progress.add_task("tables at", total=target, said="")
        self._progress.update(self._tables, completed=min(position, target))


class _Rest(ProgressColumn):
    """A bar where there is an end to come to, else what was said last."""

    def render(self, task: Task) -> RenderableType:
        if task.total is not None:
            return ProgressBar(total=task.total, completed=task.completed, width=40)
        return Text(task.fields["said"], style="dim", no_wrap=True, overflow="ellipsis")
