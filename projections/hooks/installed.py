"""Which hooks there are: those of installed packages, through the entry-point group.

    [project.entry-points."eventstore.hooks"]
    cache = "my_package.cache:hook"

The name is free; what is behind it is a Hook, or a class of hooks that needs no arguments.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from importlib.metadata import entry_points
from typing import Final

from projections.errors import HookRefused
from projections.hooks.hook import Hook

__all__ = ["GROUP", "checked", "installed"]

GROUP: Final = "eventstore.hooks"
_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,39}")


def installed() -> list[Hook]:
    """The hooks of installed packages, in order of name; raises HookRefused.

    One that can't be loaded is an error and not left out: its events would go unnoticed.
    """
    found: list[Hook] = []
    for point in sorted(entry_points(group=GROUP)):
        try:
            hook = point.load()
            if isinstance(hook, type):
                hook = hook()
        except Exception as error:
            raise HookRefused(point.value, f"it can't be loaded: {error}") from error
        if not isinstance(hook, Hook):
            raise HookRefused(point.value, f"it is of type {type(hook).__name__}, and no Hook")
        found.append(hook)
    return found


def checked(hooks: Iterable[Hook], projections: Iterable[str]) -> list[Hook]:
    """The hooks, if each has a name of its own and follows one of these projections.

    Raises HookRefused.
    """
    known, seen = set(projections), set[tuple[str, str]]()
    found = list(hooks)
    for hook in found:
        name, projection = getattr(hook, "name", None), getattr(hook, "projection", None)
        where = f"{type(hook).__module__}:{type(hook).__qualname__}"
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            raise HookRefused(where, f"{name!r} is no name: up to 40 of a-z, 0-9 and _")
        if projection not in known:
            raise HookRefused(
                where,
                f"there is no projection {projection!r}; there are {', '.join(sorted(known))}",
            )
        if (projection, name) in seen:
            raise HookRefused(where, f"another hook of {projection} is called {name} too")
        seen.add((projection, name))
    return found
