"""Every projection that there is, by name and version: ours, and those of other packages.

A package adds a projection of its own through the entry-point group `eventstore.projections`: a
name, and the class (or an object of it) behind it. Each version that it still has rules for is an
entry point of its own.
"""

from __future__ import annotations

from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Final

from projections.errors import NotLoaded, UnknownProjection, UnknownVersion
from projections.packaging import Packaging, PackagingV1
from projections.projection import Projection
from projections.projects import Projects
from projections.trust import Trust, TrustV1
from projections.trust.settings import ladder_rules
from projections.work import Work, WorkV1
from projections.workspaces import Workspaces

__all__ = ["GROUP", "PROJECTIONS", "all_projections", "projection", "versions"]

GROUP: Final = "eventstore.projections"

_OURS: Final[tuple[Projection, ...]] = (
    Packaging(),
    PackagingV1(),
    Projects(),
    Trust(ladder_rules()),
    TrustV1(ladder_rules()),
    Work(),
    WorkV1(),
    Workspaces(),
)
"""Every version that has rules here."""

PROJECTIONS: Final[tuple[Projection, ...]] = tuple(
    {each.name: each for each in sorted(_OURS, key=lambda each: (each.name, each.version))}.values()
)
"""Our own in order of name, each in its newest version."""


def projection(name: str, version: int | None = None) -> Projection:
    """The projection called `name`, in its newest version unless another one is asked for.

    Raises UnknownProjection, UnknownVersion, or NotLoaded.
    """
    known = versions(name)
    if version is None:
        return known[-1]
    for each in known:
        if each.version == version:
            return each
    raise UnknownVersion(name, version, [each.version for each in known])


def versions(name: str) -> tuple[Projection, ...]:
    """The versions of a projection that there are rules for, the oldest first.

    Raises UnknownProjection, or NotLoaded. Other packages are loaded only for a name that is not
    ours.
    """
    ours = tuple(each for each in _OURS if each.name == name)
    known = ours or tuple(each for each in _others() if each.name == name)
    if not known:
        raise UnknownProjection(name, [each.name for each in all_projections()])
    return tuple(sorted(known, key=lambda each: each.version))


def all_projections() -> tuple[Projection, ...]:
    """Every projection in order of name, each in its newest version; raises NotLoaded."""
    names = sorted({each.name for each in (*_OURS, *_others())})
    return tuple(versions(name)[-1] for name in names)


@cache
def _others() -> tuple[Projection, ...]:
    """The projections of other packages."""
    found: dict[tuple[str, int], Projection] = {}
    for point in sorted(entry_points(group=GROUP)):
        each = _loaded(point)
        if any(each.name == ours.name for ours in _OURS):
            raise NotLoaded(point.name, f"the name {each.name} belongs to this package")
        if found.setdefault((each.name, each.version), each) is not each:
            raise NotLoaded(point.name, f"there are two {each.name} of version {each.version}")
    return tuple(found.values())


def _loaded(point: EntryPoint) -> Projection:
    try:
        there = point.load()
        if isinstance(there, type) and issubclass(there, Projection):
            there = there()
    except Exception as error:
        raise NotLoaded(
            point.name, f"{point.value} fails with {type(error).__name__}: {error}"
        ) from error
    if not isinstance(there, Projection):
        raise NotLoaded(point.name, f"{point.value} is no projection")
    return there
