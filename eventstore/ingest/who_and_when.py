"""Reads who-and-when logs: a team's failed run, and the label that says whose mistake it was.

| in the file                          | in the log                                               |
|--------------------------------------|----------------------------------------------------------|
| question, its answer                 | work order with one item and one attempt at it           |
| each agent that speaks               | agent of that name, with a session                       |
| step                                 | message; `A (-> B)` is said to B, and B's next step is   |
|                                      | caused by it                                             |
| mistake_agent, mistake_step, _reason | decision `step` in that step, its outcome: a failure; an  |
|                                      | error when the agent is none of the team                 |
| is_correct, is_corrected             | whether attempt, item and order COMPLETED or FAILED      |

A question was put to several teams. A run is named by its question and by the way its team is
written down: with a system prompt for each agent, or with roles only.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import BinaryIO, Final
from uuid import NAMESPACE_URL, UUID, uuid5

from pydantic import Field

from eventstore.append import Append
from eventstore.ingest.form import Part, Text, checked, document, heading
from eventstore.ingest.job import Job
from eventstore.ingest.reader import BrokenFile, Reader, whole
from eventstore.ingest.story import Story, registration
from eventstore.vocabulary.fields import AgentId
from eventstore.vocabulary.trust import MessageRole

__all__ = ["NAMESPACE", "read", "reader"]

NAMESPACE: Final = uuid5(NAMESPACE_URL, "urn:eventstore:who-and-when")
_ROLE: Final = re.compile(r"(?P<agent>.+?) \((?:-> (?P<target>.+)|.+)\)")
"""A role such as `Orchestrator (thought)` or `Orchestrator (-> WebSurfer)`."""
_HUMAN: Final = "human"
_TERMINAL: Final = "Computer_terminal"
"""Runs the code that agents write; it is no agent."""


class _Step(Part):
    content: str
    role: Text
    name: AgentId | None = None


class _Log(Part):
    question: str
    question_ID: Text  # noqa: N815 - as in the file
    ground_truth: str
    history: list[_Step] = Field(min_length=1)
    mistake_agent: AgentId
    mistake_step: str = Field(pattern=r"^[0-9]{1,9}$")
    mistake_reason: str
    is_correct: bool | None = None
    is_corrected: bool | None = None
    system_prompt: dict[str, str] | None = None


def read(file: BinaryIO, name: str) -> Iterator[Append]:
    """The events of one log; raises BrokenFile or InvalidEvent."""
    log = checked(_Log, document(whole(file)))
    source = {"format": "who-and-when", "file": name, "question": log.question_ID}
    kind = "roles" if log.system_prompt is None else "prompts"
    story = Story(uuid5(NAMESPACE, f"{kind}/{log.question_ID}"), source)
    spoken = [_spoken(step) for step in log.history]
    agents = list(dict.fromkeys(agent for agent, _ in spoken if _role(agent) == "agent"))
    if not agents:
        raise BrokenFile("no agent speaks", path="history")
    for agent in agents:
        yield registration(NAMESPACE, agent, "unknown", source, None)
    job = Job(story, agents[0])
    task = {"question": log.question, "ground_truth": log.ground_truth}
    job.begin(heading(log.question, "a question"), task, metadata=log.rest)
    for agent in agents:
        prompt = (log.system_prompt or {}).get(agent)
        job.join(agent, context={} if prompt is None else {"system_prompt": prompt})
    mistake = _tell_steps(job, log, spoken)
    if mistake is not None:
        job.turned_out(mistake, "failure", log.mistake_reason, agent="label")
    solved = log.is_correct if log.is_correct is not None else log.is_corrected
    job.end(None if solved else log.mistake_reason)
    yield from story.appends()


reader: Final = Reader(read, names=("*.json",))


def _spoken(step: _Step) -> tuple[str, str | None]:
    """Who speaks, and to whom if that is stated."""
    if step.name is not None:
        return step.name, None
    found = _ROLE.fullmatch(step.role)
    return (found["agent"], found["target"]) if found else (step.role, None)


def _role(speaker: str) -> MessageRole:
    return "user" if speaker == _HUMAN else "system" if speaker == _TERMINAL else "agent"


def _tell_steps(job: Job, log: _Log, spoken: list[tuple[str, str | None]]) -> UUID | None:
    """Every step; returns the decision that was the mistake."""
    wrong, mistake = int(log.mistake_step), None
    if wrong >= len(log.history):
        raise BrokenFile(f"there are {len(log.history)} steps", path="mistake_step")
    asked: dict[str, UUID] = {}
    for number, (step, (speaker, target)) in enumerate(zip(log.history, spoken, strict=True)):
        role = _role(speaker)
        said = job.say(
            f"history/{number}", role, step.content,
            speaker=speaker, session_of=speaker if role == "agent" else job.agent, target=target,
            cause=asked.pop(speaker, None), other={"role": step.role, **step.rest},
        )  # fmt: skip
        if target is not None:
            asked[target] = said
        if number == wrong:
            mistake = _blame(job, log, number, said)
    return mistake


def _blame(job: Job, log: _Log, number: int, said: UUID) -> UUID | None:
    """The mistake, as a decision of the agent that made it; without such an agent an error."""
    place = f"history/{number}/mistake"
    if log.mistake_agent not in job.agents:
        details = {"mistake_agent": log.mistake_agent, "step": number}
        job.report(place, log.mistake_reason, agent="label", cause="mistake", details=details)
        return None
    return job.decide(
        place,
        "step",
        {"step": number, "message": str(said)},
        rationale=log.history[number].content,
        agent=log.mistake_agent,
        derived=["decision"],
    )
