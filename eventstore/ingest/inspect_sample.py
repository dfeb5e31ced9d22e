"""A sample of an Inspect log: one run of a model at one input, with its scores."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final, Literal
from uuid import UUID

from pydantic import Field

from eventstore.append import Append
from eventstore.ingest.form import Moment, Part, Text, heading, word
from eventstore.ingest.job import Job
from eventstore.ingest.reader import BrokenFile
from eventstore.ingest.story import Story
from eventstore.vocabulary.trust import MessageRole

__all__ = ["Evaluation", "Sample", "tell"]

_ATTACHED: Final = ("attachment://", "tc://")
_GRADES: Final = {"C": 1.0, "P": 0.5, "I": 0.0, "N": 0.0}
"""Correct, partially correct, incorrect, no answer."""
_RESULTS: Final = frozenset({"limit", "model_usage"})
_ROLES: Final[Mapping[str, MessageRole]] = {"system": "system", "user": "user", "tool": "system"}


class Evaluation(Part):
    """What a log says of all its samples."""

    run_id: Text
    task: Text
    task_id: Text
    model: Text = Field(max_length=128)
    created: Moment
    eval_id: Text | None = None


class _Call(Part):
    id: Text
    function: Text
    arguments: dict[str, Any] = Field(default_factory=dict)


class _Failure(Part):
    message: str
    type: str | None = None


class _Message(Part):
    role: Literal["system", "user", "assistant", "tool"]
    content: str | list[dict[str, Any]] = ""
    id: str | None = None
    tool_calls: list[_Call] | None = None
    tool_call_id: str | None = None
    function: str | None = None
    error: _Failure | None = None


class _Event(Part):
    event: Text
    timestamp: Moment


class _Transcript(Part):
    events: list[_Event] = Field(default_factory=list)
    content: dict[str, str] = Field(default_factory=dict)


class Sample(Part):
    """One sample; in early logs its events and attachments stand in `transcript`."""

    id: int | str
    epoch: int
    input: Any
    target: Any = None
    messages: list[_Message]
    scores: dict[str, dict[str, Any]] | None = None
    error: _Failure | None = None
    events: list[_Event] = Field(default_factory=list)
    attachments: dict[str, str] = Field(default_factory=dict)
    transcript: _Transcript = Field(default_factory=_Transcript)
    total_time: float | None = Field(default=None, ge=0)
    """Seconds."""


def tell(sample: Sample, evaluation: Evaluation, story: Story) -> list[Append]:
    """The events of one sample; raises BrokenFile or InvalidEvent."""
    happened = sample.events or sample.transcript.events
    begun = happened[0].timestamp if happened else None
    agent = evaluation.model
    job = Job(story, agent)
    task = {"input": _resolved(sample.input, sample), "target": sample.target}
    known = {"task": evaluation.task, "task_id": evaluation.task_id, "run_id": evaluation.run_id}
    where = {**known, "sample": sample.id, "epoch": sample.epoch}
    title = heading(_text(task["input"]), evaluation.task)
    job.begin(title, task, begun, metadata=where)
    job.join(agent, begun, context=where)
    times = _Times(happened)
    calls: dict[str, UUID] = {}
    for number, message in enumerate(sample.messages):
        _say(job, f"messages/{number}", message, sample, times, calls)
    for name, score in (sample.scores or {}).items():
        _grade(job, name, score, times.next("score"))
    end = happened[-1].timestamp if happened else None
    if sample.error is not None:
        job.report("error", sample.error.message, end, details=sample.error.rest)
    spent = None if sample.total_time is None else round(1000 * sample.total_time)
    output = {name: value for name, value in sample.rest.items() if value and name in _RESULTS}
    failure = None if sample.error is None else sample.error.message
    job.end(failure, output or None, end, milliseconds=spent)
    return story.appends()


class _Times:
    """When things happened, as far as a sample's events say so."""

    def __init__(self, events: list[_Event]) -> None:
        self._moments: dict[str, list[datetime]] = {}
        self._calls: dict[str, datetime] = {}
        for event in events:
            self._moments.setdefault(event.event, []).append(event.timestamp)
            call = event.rest.get("id")
            if event.event == "tool" and isinstance(call, str):
                self._calls[call] = event.timestamp
        for moments in self._moments.values():
            moments.reverse()

    def next(self, kind: str) -> datetime | None:
        """When the next of that kind happened."""
        moments = self._moments.get(kind)
        return moments.pop() if moments else None

    def of_call(self, call: str | None) -> datetime | None:
        """When a tool was called."""
        return self._calls.get(call or "")


def _say(
    job: Job, place: str, given: _Message, sample: Sample, times: _Times, calls: dict[str, UUID]
) -> None:
    content, other = _resolved(given.content, sample), dict(given.rest)
    text = _text(content)
    if isinstance(content, list):
        other["content"] = content
    if given.id is not None:
        other["id"] = given.id
    if given.role == "assistant":
        # Only what the model generated has a model event.
        at = times.next("model") if given.rest.get("source") == "generate" else None
        if text or not given.tool_calls:
            model = given.rest.get("model")
            job.say(
                place, "agent", text, at, speaker=job.agent, other=other,
                model=model if isinstance(model, str) and model else None,
            )  # fmt: skip
        for number, call in enumerate(given.tool_calls or []):
            calls[call.id] = job.decide(
                f"{place}/tool_calls/{number}", "tool_call",
                {"tool": call.function, "arguments": _resolved(call.arguments, sample)}, at,
                rationale=text, agent=job.agent, other={"call": call.id, **call.rest},
            )  # fmt: skip
        return
    if given.function is not None:
        other["tool"] = given.function
    cause, at = calls.get(given.tool_call_id or ""), times.of_call(given.tool_call_id)
    job.say(
        place, _ROLES[given.role], text, at, speaker=given.role, session_of=job.agent,
        target=job.agent, cause=cause, other=other,
    )  # fmt: skip
    if given.role == "tool":
        _tool_ended(job, place, given, cause)


def _tool_ended(job: Job, place: str, given: _Message, call: UUID | None) -> None:
    """What the answer of a tool says of the call: it failed if the answer is an error."""
    error = given.error
    reason = None if error is None else f"{error.type or 'error'}: {error.message}"
    if call is not None:
        job.turned_out(call, "failure" if error else "success", reason, agent="tool")
    elif error is not None and reason is not None:
        kind = word(error.type, "error")
        job.report(f"{place}/error", reason, agent="tool", cause=kind, details=error.rest)


def _grade(job: Job, name: str, score: dict[str, Any], at: datetime | None) -> None:
    """A score as an evaluation if it can be one between 0 and 1, else as evidence."""
    value = score.get("value")
    share = _GRADES.get(value) if isinstance(value, str) else value
    if isinstance(share, int | float) and 0 <= share <= 1:
        job.grade(f"scores/{name}", name, float(share), score, at, derived=["score", "passed"])
    else:
        job.show(f"scores/{name}", "score", f"{name}: {value}", {"scorer": name, **score}, at)


def _text(content: Any) -> str:
    """The words of a content that may have other parts, such as pictures."""
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, list) else []
    texts = [_part(part) for part in parts if isinstance(part, dict)]
    return "\n".join(text for text in texts if text)


def _part(part: dict[str, Any]) -> str:
    if "role" in part:
        return _text(part.get("content"))
    for name in ("text", "reasoning"):
        if isinstance(part.get(name), str):
            return str(part[name])
    return f"[{part.get('type', 'part')}]"


def _resolved(value: Any, sample: Sample) -> Any:
    """A value with its attachments in place; raises BrokenFile for one that is not there."""
    if isinstance(value, list):
        return [_resolved(each, sample) for each in value]
    if isinstance(value, dict):
        return {name: _resolved(each, sample) for name, each in value.items()}
    if isinstance(value, str) and value.startswith(_ATTACHED):
        name = value.partition("://")[2]
        found = sample.attachments.get(name, sample.transcript.content.get(name))
        if found is None:
            raise BrokenFile(f"has no attachment {name}", path="attachments")
        return found
    return value
