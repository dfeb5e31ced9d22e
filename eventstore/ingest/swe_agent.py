"""Reads SWE-agent trajectories: thought, action and observation, step by step.

| in the file                       | in the log                                                |
|-----------------------------------|-----------------------------------------------------------|
| trajectory                        | work order with one item, the issue; one attempt at it    |
| agent, such as `primary`          | agent `swe-agent/primary` with a session                  |
| system prompt, issue              | messages                                                  |
| thought and action of a step      | decision `action`: the thought is its rationale           |
| observation of the step           | message, caused by the action                             |
| info: exit status, submission, …  | output of the attempt; `submitted` is COMPLETED, any      |
|                                   | other exit status FAILED; without one the run is not over |

The file states neither times nor a name, so that its content names the run. An early form has a
`history` only: its steps are the assistant's entries, each with the answer that follows it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, BinaryIO, Final, Literal
from uuid import NAMESPACE_URL, uuid5

from pydantic import Field

from eventstore.append import Append
from eventstore.ingest.form import Part, Text, checked, digest, document, heading
from eventstore.ingest.job import Job
from eventstore.ingest.reader import BrokenFile, Reader, whole
from eventstore.ingest.story import Story, registration

__all__ = ["NAMESPACE", "read", "reader"]

NAMESPACE: Final = uuid5(NAMESPACE_URL, "urn:eventstore:swe-agent")
_SUBMITTED: Final = "submitted"


class _Entry(Part):
    role: Literal["system", "user", "assistant", "tool"]
    content: str
    agent: Text = "main"
    thought: str | None = None
    action: str | None = None


class _Step(Part):
    action: str
    thought: str
    observation: str | None = None
    response: str | None = None
    state: Any = None
    execution_time: float | None = Field(default=None, ge=0)
    """Seconds."""


class _Run(Part):
    history: list[_Entry] = Field(min_length=1)
    trajectory: list[_Step] | None = None
    info: dict[str, Any] = Field(default_factory=dict)


def read(file: BinaryIO, name: str) -> Iterator[Append]:
    """The events of one trajectory; raises BrokenFile or InvalidEvent."""
    record = document(whole(file))
    run = checked(_Run, record)
    source = {"format": "swe-agent", "file": name}
    agent = f"swe-agent/{run.history[0].agent}"
    yield registration(NAMESPACE, agent, "developer", source, None)
    story = Story(uuid5(NAMESPACE, digest(record)), source)
    job = Job(story, agent)
    opening = _opening(run)
    issue = next((entry.content for entry in opening if entry.role == "user"), "")
    job.begin(heading(issue, "an issue"), {"issue": issue}, metadata=run.rest)
    job.join(agent)
    for number, entry in enumerate(opening):
        role: Any = entry.role
        speaker = entry.role
        job.say(f"history/{number}", role, entry.content, speaker=speaker, session_of=agent)
    for number, step in enumerate(_steps(run, len(opening))):
        _tell(job, f"trajectory/{number}", step)
    status = run.info.get("exit_status")
    if status is not None:
        job.end(None if status == _SUBMITTED else f"exit status: {status}", run.info)
    yield from story.appends()


reader: Final = Reader(read, names=("*.traj",))


def _opening(run: _Run) -> list[_Entry]:
    """What is said before the first step."""
    entries: list[_Entry] = []
    for entry in run.history:
        if entry.role == "assistant":
            break
        if entry.role == "tool":
            raise BrokenFile("answers no action", path=f"history.{len(entries)}")
        entries.append(entry)
    return entries


def _steps(run: _Run, begin: int) -> list[_Step]:
    if run.trajectory is not None:
        return run.trajectory
    steps: list[_Step] = []
    rest = run.history[begin:]
    for number in range(0, len(rest), 2):
        said, answers = rest[number], rest[number + 1 : number + 2]
        if said.role != "assistant" or any(answer.role == "assistant" for answer in answers):
            raise BrokenFile("is no step and its observation", path=f"history.{begin + number}")
        steps.append(
            _Step(
                action=said.action or "",
                thought=said.content if said.thought is None else said.thought,
                observation=answers[0].content if answers else None,
            )
        )
    return steps


def _tell(job: Job, place: str, step: _Step) -> None:
    decision = job.decide(
        f"{place}/action",
        "action",
        {"command": step.action},
        rationale=step.thought,
        agent=job.agent,
        context={} if step.state is None else {"state": step.state},
        milliseconds=None if step.execution_time is None else round(1000 * step.execution_time),
    )
    if step.observation is not None:
        job.say(
            f"{place}/observation", "system", step.observation,
            speaker="environment", session_of=job.agent, target=job.agent, cause=decision,
        )  # fmt: skip
