"""Which event each kind of entry in a chapter of an agent trail becomes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final
from uuid import UUID

from eventstore.event import Event
from eventstore.ingest.agent_trail_file import Item, ItemType
from eventstore.ingest.form import word
from eventstore.vocabulary.trust import (
    DecisionMade,
    FindingReported,
    MessageRole,
    MessageSent,
    MessageType,
    ReflectionRecorded,
)
from eventstore.vocabulary.work import ErrorReported, EvidenceGiven

__all__ = ["ABOUT_WORK", "Scene", "addressee", "event_of"]

_MESSAGES: Final[Mapping[ItemType, tuple[MessageRole, MessageType]]] = {
    "note": ("agent", "text"),
    "thinking": ("agent", "text"),
    "message_sent": ("agent", "text"),
    "message_received": ("agent", "text"),
    "prompt": ("user", "text"),
    "tool_call": ("agent", "command"),
    "tool_result": ("system", "text"),
}
"""Who speaks, and in what form; the entry's own type stays in the event's metadata."""

ABOUT_WORK: Final[frozenset[ItemType]] = frozenset(
    {"error", "completion-evidence", "completion-marker"}
)
"""Entries that tell of the work item; all others are said in the agent's session."""


class Scene:
    """Where an entry stands: its id, and the session, work item and attempt around it."""

    __slots__ = ("agent", "attempt", "entry", "item", "session")

    def __init__(self, entry: UUID, agent: str, session: UUID, item: UUID, attempt: UUID) -> None:
        self.entry, self.agent, self.session = entry, agent, session
        self.item, self.attempt = item, attempt


def event_of(item: Item, scene: Scene) -> tuple[Event, dict[str, Any]]:
    """The event, and what of the entry it has no field for; raises InvalidEvent."""
    other = dict(item.rest)
    if item.tags:
        other["tags"] = item.tags
    make = _MAKERS.get(item.type, _message)
    event, unused = make(item, dict(item.raw), scene)
    if item.significance is not None and getattr(event, "significance", None) is None:
        other["significance"] = item.significance
    if unused:
        other["raw"] = unused
    return event, other


def addressee(item: Item) -> str | None:
    """The agent that a note is for: the one whose step it describes."""
    name = item.raw.get("agent") if item.type == "note" else None
    return name if isinstance(name, str) else None


_Made = tuple[Event, dict[str, Any]]
"""The event, and what is left of `raw`."""


def _message(item: Item, raw: dict[str, Any], scene: Scene) -> _Made:
    role, form = _MESSAGES[item.type]
    if addressee(item) is not None:
        del raw["agent"]  # it is the event's target_agent
    return MessageSent(
        message_id=scene.entry,
        session_id=scene.session,
        role=role,
        content=item.content,
        message_type=form,
    ), raw


def _decision(item: Item, raw: dict[str, Any], scene: Scene) -> _Made:
    chosen = raw.pop("chosen", None)
    said = {"statement": item.content}
    for name in ("question", "alternatives"):
        if name in raw:
            said[name] = raw.pop(name)
    return DecisionMade(
        decision_id=scene.entry,
        session_id=scene.session,
        agent_id=scene.agent,
        decision_type=word(chosen, "choice"),
        input_context=said,
        rationale=raw.pop("reasoning", item.content),
        action={} if chosen is None else {"chosen": chosen},
        confidence=raw.pop("confidence", None),
    ), raw


def _finding(item: Item, raw: dict[str, Any], scene: Scene) -> _Made:
    return FindingReported(
        message_id=scene.entry,
        session_id=scene.session,
        content=item.content,
        significance=item.significance,
        details=raw,
    ), {}


def _reflection(item: Item, raw: dict[str, Any], scene: Scene) -> _Made:
    return ReflectionRecorded(
        message_id=scene.entry,
        session_id=scene.session,
        content=item.content,
        significance=item.significance,
        confidence=raw.pop("confidence", None),
        focal_points=raw.pop("focalPoints", []),
        adjustments=raw.pop("adjustments", None),
    ), raw


def _evidence(item: Item, raw: dict[str, Any], scene: Scene) -> _Made:
    return EvidenceGiven(
        evidence_id=scene.entry,
        work_item_id=scene.item,
        attempt_id=scene.attempt,
        kind=word(raw.get("completionMode"), item.type.removeprefix("completion-")),
        summary=item.content,
        details=raw,
    ), {}


def _error(item: Item, raw: dict[str, Any], scene: Scene) -> _Made:
    cause = raw.get("cause")
    return ErrorReported(
        work_item_id=scene.item,
        attempt_id=scene.attempt,
        error=item.content,
        cause=word(cause, "other") if cause is not None else None,
        details=raw,
    ), {}


_MAKERS: Final[Mapping[ItemType, Callable[[Item, dict[str, Any], Scene], _Made]]] = {
    "decision": _decision,
    "finding": _finding,
    "reflection": _reflection,
    "completion-evidence": _evidence,
    "completion-marker": _evidence,
    "error": _error,
}
