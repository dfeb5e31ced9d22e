"""Who speaks, and in which run: carried by contextvars, so that an append stays one line."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from types import MappingProxyType
from typing import Any, Final

__all__ = ["current", "speaking"]

_NOTHING: Final[Mapping[str, Any]] = MappingProxyType({})
_CONTEXT: Final[ContextVar[Mapping[str, Any]]] = ContextVar("eventstore_context", default=_NOTHING)


def current() -> Mapping[str, Any]:
    """What the surrounding `speaking` blocks say of agent, correlation_id and so on."""
    return _CONTEXT.get()


@contextmanager
def speaking(**says: Any) -> Iterator[None]:
    """Adds to the context for the length of a block; None leaves what is outside as it is."""
    inner = {**_CONTEXT.get(), **{name: value for name, value in says.items() if value is not None}}
    token = _CONTEXT.set(inner)
    try:
        yield
    finally:
        _CONTEXT.reset(token)
