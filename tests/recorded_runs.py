"""Recorded runs of foreign formats for tests, each written as briefly as its form allows."""

from __future__ import annotations

import json
import zipfile
from collections import Counter
from io import BytesIO
from pathlib import Path
from typing import Any

from eventstore.append import Append, prepare
from eventstore.ingest.reader import BrokenRecord, Reader
from eventstore.ingest.runs import Run, runs

Json = dict[str, Any]
DATA = Path(__file__).parents[1].parent / "shared" / "data"


class Read:
    """What a reader made of a file, its runs checked as the store checks them."""

    def __init__(self, reader: Reader, data: object, name: str = "some.json") -> None:
        content = data if isinstance(data, bytes) else json.dumps(data).encode()
        self.runs: list[Run] = []
        self.shared: list[Append] = []
        self.broken: list[BrokenRecord] = []
        for each in runs(reader.read(BytesIO(content), name)):
            if isinstance(each, Run):
                self.runs.append(each)
            elif isinstance(each, Append):
                self.shared.append(each)
            else:
                self.broken.append(each)
        for run in self.runs:
            prepare(run.appends)
            known: set[object] = set()
            for append in run.appends:
                assert append.causation_id is None or append.causation_id in known
                known.update(event.event_id for event in append.events)

    @property
    def appends(self) -> list[Append]:
        return [append for run in self.runs for append in run.appends]

    @property
    def types(self) -> Counter[str]:
        """How many events of each type are in runs."""
        return Counter(append.events[0].event_type for append in self.appends)

    def all(self, kind: type) -> list[Any]:
        return [each.events[0] for each in self.appends if type(each.events[0]) is kind]

    def only(self, kind: type) -> Append:
        [found] = [each for each in self.appends if type(each.events[0]) is kind]
        return found

    def cause_of(self, append: Append) -> Append:
        [found] = [e for e in self.appends if e.events[0].event_id == append.causation_id]
        return found


def tool_call(call: str, tool: str, arguments: str = "{}") -> Json:
    return {"id": call, "type": "function", "function": {"name": tool, "arguments": arguments}}


def trial(
    *messages: Json, task: int = 1, number: int = 0, reward: float = 1.0, **more: Any
) -> Json:
    """A trial of tau-bench."""
    said = messages or (
        {"role": "system", "content": "be kind"},
        {"role": "user", "content": "a seat, please"},
        {"role": "assistant", "content": None, "tool_calls": [tool_call("c1", "book")]},
        {"role": "tool", "tool_call_id": "c1", "name": "book", "content": "booked"},
        {"role": "assistant", "content": "done"},
    )
    info = {"task": {"user_id": "ann", "instruction": "Get a seat.\nBe brief.", "actions": []}}
    return {"task_id": 1, "trial": number, "reward": reward, "info": info, "traj": list(said),
            **more}  # fmt: skip


def blame(**more: Any) -> Json:
    """A log of who-and-when, in the form with roles."""
    return {
        "question": "how many?",
        "question_ID": "q1",
        "ground_truth": "three",
        "is_corrected": False,
        "mistake_agent": "Searcher",
        "mistake_step": "3",
        "mistake_reason": "it looked at one page",
        "history": [
            {"role": "human", "content": "how many?"},
            {"role": "Boss (thought)", "content": "somebody should look"},
            {"role": "Boss (-> Searcher)", "content": "look it up"},
            {"role": "Searcher", "content": "it is two"},
        ],
        **more,
    }


def trajectory(**more: Any) -> Json:
    """A trajectory of SWE-agent."""
    return {
        "environment": "main",
        "history": [
            {"role": "system", "content": "you fix bugs", "agent": "main"},
            {"role": "user", "content": "it crashes", "agent": "main"},
            {"role": "assistant", "content": "look\nls", "thought": "look", "action": "ls",
             "agent": "main"},
            {"role": "user", "content": "a.py", "agent": "main"},
        ],
        "trajectory": [
            {"thought": "look", "action": "ls", "observation": "a.py", "response": "look\nls",
             "state": {"open_file": "n/a"}, "execution_time": 0.25},
        ],
        "info": {"exit_status": "submitted", "submission": "a diff"},
        **more,
    }  # fmt: skip


def happening(number: int, second: int, source: str, **more: Any) -> Json:
    """An event of OpenHands."""
    at = f"2025-01-20T20:29:{second:02}.500000"
    return {"id": number, "timestamp": at, "source": source, "message": "", **more}


def state_changed(number: int, second: int, state: str, **more: Any) -> Json:
    return happening(
        number, second, "environment", observation="agent_state_changed", content="",
        extras={"agent_state": state, **more},
    )  # fmt: skip


def stream() -> list[Json]:
    """A stream of OpenHands that waits for its user."""
    return [
        state_changed(0, 1, "loading"),
        happening(1, 2, "user", action="message", args={"content": "make a page\nwith a list"}),
        happening(2, 3, "agent", action="run", args={"command": "ls", "thought": "look"}),
        happening(3, 4, "agent", cause=2, observation="run", content="empty", success=True,
                  extras={"exit_code": 0}),
        happening(4, 5, "agent", action="message", args={"content": "done"}),
        happening(5, 6, "agent", cause=4, observation="null", content=""),
        state_changed(6, 7, "awaiting_user_input"),
    ]  # fmt: skip


def sample(number: int = 1, epoch: int = 1, **more: Any) -> Json:
    """A sample of an Inspect log."""
    second = f"2025-07-05T09:59:{number:02}"
    return {
        "id": number,
        "epoch": epoch,
        "input": "is it so?",
        "target": "yes",
        "messages": [
            {"role": "user", "content": "attachment://a1", "source": "input"},
            {"role": "assistant", "content": "", "source": "generate", "model": "small",
             "tool_calls": [{"id": "t1", "function": "look", "arguments": {"at": "it"}}]},
            {"role": "tool", "content": "it is", "tool_call_id": "t1", "function": "look"},
            {"role": "assistant", "content": "yes", "source": "generate", "model": "small"},
        ],
        "scores": {"match": {"value": "C", "answer": "yes"}},
        "attachments": {"a1": "is it so?"},
        "total_time": 2.5,
        "events": [
            {"event": "sample_init", "timestamp": f"{second}.100000-04:00"},
            {"event": "model", "timestamp": f"{second}.200000-04:00"},
            {"event": "tool", "timestamp": f"{second}.300000-04:00", "id": "t1"},
            {"event": "model", "timestamp": f"{second}.400000-04:00"},
            {"event": "score", "timestamp": f"{second}.500000-04:00"},
        ],
        **more,
    }  # fmt: skip


def about(**more: Any) -> Json:
    """What an Inspect log says of all its samples."""
    return {"run_id": "r1", "task": "ask", "task_id": "t1", "model": "maker/small",
            "created": "2025-07-05T09:59:00-04:00", **more}  # fmt: skip


def inspect_log(*samples: Json, **more: Any) -> Json:
    return {"version": 2, "status": "success", "eval": about(**more), "samples": list(samples)}


def zipped(*samples: Json, header: str = "header.json", **more: Any) -> bytes:
    """The same log in its zipped form."""
    file = BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for each in samples:
            place = f"samples/{each['id']}_epoch_{each['epoch']}.json"
            archive.writestr(place, json.dumps(each))
        archive.writestr(header, json.dumps({"version": 2, "eval": about(**more)}))
    return file.getvalue()


def run_item(kind: str, raw: Json, **more: Any) -> Json:
    return {"type": kind, "agent": {"name": "clerk"}, "raw_item": raw, **more}


def asked(call: str, tool: str = "pay") -> list[Json]:
    """A call of a tool, and the question whether it may be made."""
    raw = {"type": "function_call", "call_id": call, "name": tool, "arguments": "{}"}
    return [run_item("tool_call_item", raw), run_item("tool_approval_item", raw, tool_name=tool)]


def run_state(*items: Json, version: str = "1.16", **more: Any) -> Json:
    """A state of a run of the OpenAI Agents SDK."""
    context = {"approvals": {}, "usage": {}, "context": {"secret": "sesame"}}
    return {
        "$schemaVersion": version,
        "current_agent": {"name": "clerk"},
        "original_input": "pay the bill",
        "generated_items": list(items),
        "session_items": [],
        "current_step": None,
        "conversation_id": None,
        "trace": {"id": "trace_1", "workflow_name": "Paying", "tracing_api_key_hash": "hash"},
        "context": {**context, **more.pop("context", {})},
        **more,
    }
