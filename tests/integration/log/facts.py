"""A vocabulary of the tests' own, one fact a retention class, and a store that knows only it."""

from __future__ import annotations

from typing import Any

from eventstore import Event, EventRegistry, EventStore

FACTS = EventRegistry()


class Said(Event, event_type="log.said", registry=FACTS):
    text: str = ""
    number: int = 0
    value: Any = None


class Asked(Event, event_type="log.asked", retention="conversation", registry=FACTS):
    text: str = ""


class Decided(Event, event_type="log.decided", retention="decision", registry=FACTS):
    text: str = ""


class Filed(Event, event_type="log.filed", retention="audit", registry=FACTS):
    text: str = ""


OF_EVERY_CLASS = (Said, Asked, Decided, Filed)


def said(count: int) -> list[Said]:
    """That many facts, numbered from 1."""
    return [Said(number=n) for n in range(1, count + 1)]


def open_store(url: str, tenant: str = "default") -> EventStore:
    return EventStore.open(url, tenant=tenant, registry=FACTS)
