"""Every projection that there is, by name."""

from __future__ import annotations

from typing import Final

from projections.errors import UnknownProjection
from projections.packaging import Packaging
from projections.projection import Projection
from projections.trust import Trust
from projections.work import Work

__all__ = ["PROJECTIONS", "projection"]

PROJECTIONS: Final[tuple[Projection, ...]] = (Packaging(), Trust(), Work())
"""In order of name."""


def projection(name: str) -> Projection:
    """The projection called `name`; raises UnknownProjection."""
    for found in PROJECTIONS:
        if found.name == name:
            return found
    raise UnknownProjection(name, [known.name for known in PROJECTIONS])
