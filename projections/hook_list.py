"""Every hook that a daemon runs: installed ones, the embedder's, and the cache's."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager

from eventstore.config import Settings
from projections.cache.opening import invalidation
from projections.catalogue import all_projections
from projections.hooks.hook import Hook
from projections.hooks.installed import checked, installed
from projections.search.hook import embedding_hooks
from projections.workspaces.cached import DEPENDENTS

__all__ = ["hooks_of"]


@contextmanager
def hooks_of(settings: Settings, url: str, running: Collection[str]) -> Iterator[list[Hook]]:
    """The hooks of those projections, for as long as the block lasts.

    All hooks are checked, also those of projections that run elsewhere. Raises HookRefused,
    EmbedderRefused, NotLoaded or ConfigurationError.
    """
    known = all_projections()
    found = [*installed(), *embedding_hooks(url, known, settings.embedder)]
    with invalidation(settings, url, "workspaces", DEPENDENTS) as cache:
        if cache is not None:
            found.append(cache)
        hooks = checked(found, [each.name for each in known])
        yield [hook for hook in hooks if hook.projection in running]
