"""Agent trails for tests: one run in the form of its file, written as briefly as can be."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

Json = dict[str, Any]
START = 1_778_873_000_000


def iso(seconds: float) -> str:
    moment = datetime.fromtimestamp(START / 1000, UTC) + timedelta(seconds=seconds)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def item(seconds: float, kind: str, content: str = "said", **more: Any) -> Json:
    return {"ts": START + round(seconds * 1000), "type": kind, "content": content, **more}


def chapter(title: str, agent: str, begin: float, end: float | None, *items: Json) -> Json:
    ended = {} if end is None else {"endedAt": iso(end)}
    return {
        "id": f"chap_{title}_{begin}",
        "title": title,
        "agentName": agent,
        "startedAt": iso(begin),
        **ended,
        "events": list(items),
    }


def trail(*chapters: Json, **more: Any) -> Json:
    return {
        "id": "traj_1",
        "version": 1,
        "task": {"title": "do it", "description": "well", "source": {"system": "plain", "id": "7"}},
        "status": "completed",
        "startedAt": iso(0),
        "completedAt": iso(100),
        "agents": [
            {"name": "boss", "role": "workflow-runner", "joinedAt": iso(0)},
            {"name": "coder", "role": "specialist", "joinedAt": iso(10)},
        ],
        "chapters": list(chapters),
        "retrospective": {"summary": "done", "confidence": 0.86, "approach": "direct"},
        **more,
    }
