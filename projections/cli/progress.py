"""How far long work is, on stderr: a bar on a terminal, else a line now and then."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from time import monotonic
from typing import TYPE_CHECKING, Final

from eventstore.cli.options import Options
from eventstore.cli.output import progress, say

if TYPE_CHECKING:
    from projections.builds.progress import Progress

__all__ = ["Tell", "showing_progress"]

Tell = Callable[[str, "Progress"], None]
"""`(name, progress)`: how far the work on that projection is."""

_SECONDS_A_LINE: Final = 5.0


@contextmanager
def showing_progress(options: Options, names: Iterable[str]) -> Iterator[Tell]:
    """Shows what is told until the block ends; nothing with `--json`."""
    names = list(names)
    with progress(options) as display:
        if options.json:
            yield lambda name, now: None
        elif display.disable:
            yield _lines()
        else:
            tasks = {name: display.add_task(name, total=None) for name in names}

            def tell(name: str, now: Progress) -> None:
                display.update(
                    tasks[name],
                    total=max(now.target, 1),
                    completed=now.position,
                    description=f"{name}: {_words(now)}",
                )

            yield tell


def _lines() -> Tell:
    last: dict[str, tuple[str, float]] = {}

    def tell(name: str, now: Progress) -> None:
        phase, then = last.get(name, ("", 0.0))
        if now.phase != phase or monotonic() - then >= _SECONDS_A_LINE:
            last[name] = now.phase, monotonic()
            share = now.position / now.target if now.target else 1.0
            say(f"{name}: {_words(now)}, at position {now.position} ({share:.0%})")

    return tell


def _words(now: Progress) -> str:
    words = f"{now.phase}, {now.done:,} events"
    if now.events_per_second:
        words += f", {now.events_per_second:,.0f}/s"
    if now.seconds_left is not None:
        minutes, seconds = divmod(round(now.seconds_left), 60)
        words += f", {minutes}:{seconds:02} left"
    return words
