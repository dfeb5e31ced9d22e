"""All stories told at once, event by event in order of time: the beginning of an endless log.

A story goes on while others begin, as in a log that many agents write. Since everything that is
told is in order of time, what comes of taking the first so many events is consistent, work that is
under way included; and whoever takes more gets the same events first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from heapq import heappop, heappush, merge
from itertools import count
from typing import Final

from eventstore.append import Append
from eventstore.errors import ConfigurationError
from eventstore.seed import packaging, projects, trust, work, workspaces
from eventstore.seed.story import BEGINNING, Story, World

__all__ = ["CONTEXTS", "Teller", "tell"]

_BEFORE: Final = timedelta(days=60)
"""How long before the first story that is told which every story of a context builds on."""


@dataclass(frozen=True, slots=True)
class Teller:
    """How the stories of one context are told."""

    prologue: Callable[[Story], None]
    """What is there before the first one; takes less than sixty days."""
    story: Callable[[Story], None]
    pace: timedelta
    """How often one begins."""


CONTEXTS: Final[dict[str, Teller]] = {
    "packaging": Teller(packaging.prologue, packaging.story, timedelta(minutes=50)),
    "projects": Teller(projects.prologue, projects.story, timedelta(minutes=55)),
    "trust": Teller(trust.prologue, trust.story, timedelta(minutes=24)),
    "work": Teller(work.prologue, work.story, timedelta(minutes=45)),
    "workspaces": Teller(workspaces.prologue, workspaces.story, timedelta(minutes=90)),
}
"""Every context that stories are told of."""


def tell(contexts: Sequence[str] = (), seed: int = 0) -> Iterator[Append]:
    """The events of some contexts, or of all, without end, an append each.

    The same seed tells the same events with the same ids, whichever contexts are told beside.
    Raises ConfigurationError for a context that there is not.
    """
    for name in contexts:
        if name not in CONTEXTS:
            raise ConfigurationError("--context", f"{name} is none of {', '.join(CONTEXTS)}")
    world = World(seed)
    chosen = [_stories(world, name) for name in CONTEXTS if not contexts or name in contexts]
    waiting: list[tuple[float, int, Append]] = []
    numbers = count()
    for story in merge(*chosen, key=lambda story: story.begins):
        begins = story.begins.timestamp()
        while waiting and waiting[0][0] < begins:
            yield heappop(waiting)[2]
        for append in story.appends:
            assert append.occurred_at is not None, "a story says when"
            heappush(waiting, (append.occurred_at.timestamp(), next(numbers), append))


def _stories(world: World, context: str) -> Iterator[Story]:
    """The prologue, then story after story, told completely; in order of their beginnings."""
    teller = CONTEXTS[context]
    prologue = Story(world, context, 0, BEGINNING - _BEFORE)
    teller.prologue(prologue)
    assert prologue.now < BEGINNING, f"the prologue of {context} takes too long"
    yield prologue
    for number in count(1):
        story = Story(world, context, number, BEGINNING + number * teller.pace)
        teller.story(story)
        yield story
