"""Reads tau-bench results: each trial of a task is a run of its own.

| in the file                      | in the log                                               |
|----------------------------------|----------------------------------------------------------|
| trial of a task                  | work order with one item, the task; one attempt at it    |
| assistant                        | agent `tau-bench/assistant`, a session in each trial     |
| system, user and assistant texts | messages                                                 |
| tool call                        | decision `tool_call`; a text beside it is its rationale  |
| tool's answer                    | message, caused by the call with its `tool_call_id`      |
| reward                           | evaluation, accuracy in percent; less than 1 is FAILED   |

The file states neither times nor a name for a trial, so that its content names it: the correlation
id is the version 5 UUID of the record's SHA-256.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, BinaryIO, Final, Literal
from uuid import NAMESPACE_URL, UUID, uuid5

import orjson

from eventstore.append import Append
from eventstore.ingest.form import Part, Text, checked, digest, heading
from eventstore.ingest.job import Job
from eventstore.ingest.json_records import records
from eventstore.ingest.reader import BrokenFile, BrokenRecord, Reader, one_by_one
from eventstore.ingest.story import Story, registration
from eventstore.vocabulary.fields import Share

__all__ = ["AGENT", "NAMESPACE", "read", "reader"]

NAMESPACE: Final = uuid5(NAMESPACE_URL, "urn:eventstore:tau-bench")
AGENT: Final = "tau-bench/assistant"
"""The file has no name for it but its role."""
_EVALUATOR: Final = "tau-bench"


class _Function(Part):
    name: Text
    arguments: str


class _Call(Part):
    id: Text
    function: _Function


class _Message(Part):
    role: Literal["system", "user", "assistant", "tool"]
    content: str | None = None
    tool_calls: list[_Call] | None = None
    tool_call_id: str | None = None
    name: str | None = None


class _Task(Part):
    instruction: str
    user_id: Text | None = None


class _Info(Part):
    task: _Task


class _Trial(Part):
    task_id: int
    trial: int
    reward: Share
    info: _Info
    traj: list[_Message]


def read(file: BinaryIO, name: str) -> Iterator[Append | BrokenRecord]:
    """The events of each trial; raises BrokenFile when there is none."""

    def tell(record: Any) -> Iterator[Append]:
        trial = checked(_Trial, record)
        source = {"format": "tau-bench", "file": name, "task": trial.task_id, "trial": trial.trial}
        yield registration(NAMESPACE, AGENT, "assistant", source, None)
        yield from _tell(trial, Story(uuid5(NAMESPACE, digest(record)), source))

    yield from one_by_one(records(file), tell)


reader: Final = Reader(read, names=("*.json",))


def _tell(trial: _Trial, story: Story) -> list[Append]:
    job = Job(story, AGENT)
    where = {"task_id": trial.task_id, "trial": trial.trial}
    task = trial.info.task
    job.begin(heading(task.instruction, "a task of tau-bench"), task.given, metadata=where)
    job.join(AGENT, context=where, user_id=task.user_id)
    calls: dict[str, UUID] = {}
    for number, message in enumerate(trial.traj):
        _say(job, f"traj/{number}", message, calls)
    job.grade("reward", _EVALUATOR, trial.reward, trial.info.rest | trial.rest, derived=["passed"])
    job.end(None if trial.reward >= 1 else f"reward {trial.reward}")
    return story.appends()


def _say(job: Job, place: str, message: _Message, calls: dict[str, UUID]) -> None:
    text, other = message.content, message.rest
    if message.role == "tool":
        cause = calls.get(message.tool_call_id or "")
        if cause is None:
            way = f"{place}/tool_call_id".replace("/", ".")
            raise BrokenFile("answers no call before it", path=way)
        job.say(
            place, "system", text or "", speaker="tool", session_of=AGENT, target=AGENT,
            cause=cause, other={"tool": message.name, **other},
        )  # fmt: skip
        return
    if text is not None or not message.tool_calls:
        if message.role == "assistant":
            job.say(place, "agent", text or "", speaker=AGENT, target="user", other=other)
        else:
            job.say(
                place, message.role, text or "", speaker=message.role, session_of=AGENT,
                target=AGENT, other=other,
            )  # fmt: skip
    for number, call in enumerate(message.tool_calls or []):
        calls[call.id] = job.decide(
            f"{place}/tool_calls/{number}",
            "tool_call",
            {"tool": call.function.name, "arguments": _arguments(call.function.arguments)},
            rationale=text or "",
            agent=AGENT,
            other={"call": call.id, **call.rest},
        )


def _arguments(text: str) -> Any:
    """What a tool was given: JSON in a text, or the text itself if the model wrote no JSON."""
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return text
