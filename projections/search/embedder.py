"""What turns texts into vectors, and where to get one by name.

A package adds one through the entry-point group `eventstore.embedders`: a name, and a class without
arguments, or an object of it. EVENTSTORE_EMBEDDER names the one in use.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from importlib import import_module
from importlib.metadata import entry_points
from typing import Any, Final, Protocol, runtime_checkable

from eventstore.encoding.vector import Vector
from projections.errors import EmbedderRefused

__all__ = ["GROUP", "Embedder", "embedder"]

GROUP: Final = "eventstore.embedders"

_OURS: Final = {
    "hashing": "projections.search.hashing:HashingEmbedder",
    "wordllama": "projections.search.wordllama:WordLlamaEmbedder",
}


@runtime_checkable
class Embedder(Protocol):
    """Gives texts vectors that are near to each other when the texts mean something similar.

    It is called from several threads. The same text has to give the same vector, as far as its
    model allows; a text that is too long is cut, and none that has a letter in it is refused.
    """

    name: str
    """What is recorded as the model. It changes whenever the vectors do."""
    dimensions: int
    """How many numbers each vector has; 384, 768, 1024 and 1536 have indexes."""

    def embed(self, texts: Sequence[str]) -> Sequence[Vector]:
        """A vector for each text, in order."""
        ...


def embedder(name: str) -> Embedder:
    """The embedder of that name, loaded; raises EmbedderRefused."""
    loaders: dict[str, Callable[[], Any]] = {
        point.name: point.load for point in sorted(entry_points(group=GROUP))
    }
    loaders |= {ours: partial(_loaded, path) for ours, path in _OURS.items()}
    if name not in loaders:
        raise EmbedderRefused(name, f"there are {', '.join(sorted(loaders))}")
    try:
        found = loaders[name]()
        if isinstance(found, type):
            found = found()
    except ImportError as error:
        raise EmbedderRefused(name, f"it needs a package that is not installed: {error}") from error
    except Exception as error:
        raise EmbedderRefused(name, f"it can't be loaded: {error}") from error
    if not isinstance(found, Embedder):
        raise EmbedderRefused(name, f"{type(found).__name__} has no name, dimensions and embed")
    return found


def _loaded(path: str) -> Any:
    module, _, name = path.partition(":")
    return getattr(import_module(module), name)
