"""The public surface: what can be imported, and that it doesn't change by accident."""

from __future__ import annotations

import importlib
import inspect
from pathlib import Path
from types import ModuleType

import pytest

import eventstore
from eventstore import AsyncEventStore, EventStore, errors

ROOT = Path(__file__).parents[2]
NAMES = sorted(
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
    for package in ("eventstore", "projections")
    for path in (ROOT / package).rglob("*.py")
    if path.name != "__main__.py"
)
PROMISED = {"ANY", "NO_STREAM", "STREAM_EXISTS", "AsyncEventStore", "Event", "EventStore"}
PROMISED_METHODS = {
    "append", "append_many", "close", "context", "open", "read_all", "read_correlation",
    "read_event", "read_stream", "subscribe",
}  # fmt: skip
PROMISED_ERRORS = {
    "ConcurrencyConflict", "DuplicateEventId", "EventStoreError", "InvalidEvent",
    "PermissionDenied", "SchemaMismatch", "StoreUnavailable",
}  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_a_module_says_what_it_exports(name: str) -> None:
    module = importlib.import_module(name)
    listed = getattr(module, "__all__", None)
    if listed is None:
        assert not own_names(module), f"{name} has public names and no __all__"
    else:
        assert len(listed) == len(set(listed))
        assert not [each for each in listed if not hasattr(module, each)]


def own_names(module: ModuleType) -> list[str]:
    """Public classes and functions that a module defines itself."""
    return [
        name
        for name, value in vars(module).items()
        if not name.startswith("_")
        and (inspect.isclass(value) or inspect.isfunction(value))
        and value.__module__ == module.__name__
    ]


def test_the_package_keeps_its_promises() -> None:
    assert set(eventstore.__all__) >= PROMISED
    assert set(errors.__all__) >= PROMISED_ERRORS


@pytest.mark.parametrize("store", [EventStore, AsyncEventStore])
def test_both_stores_have_the_same_verbs(store: type) -> None:
    assert not PROMISED_METHODS - set(dir(store))


def test_every_error_is_one_of_ours_and_has_an_exit_code() -> None:
    for name in errors.__all__:
        error = getattr(errors, name)
        assert issubclass(error, errors.EventStoreError)
        assert error.exit_code in {1, 2, 3, 4, 5, 6}
