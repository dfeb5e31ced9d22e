"""Reads run states of the OpenAI Agents SDK: a run that stopped to wait, with its approvals.

| in the file                      | in the log                                                  |
|----------------------------------|-------------------------------------------------------------|
| run                              | work order, PROCESSING: a state is written to go on from    |
| agent                            | agent of that name (or identity), with a session            |
| input, message, reasoning        | message                                                     |
| call of a tool, of another agent | decision `tool_call`, `hand_off`                            |
| output of a call                 | message, caused by the call                                 |
| call that needs an approval      | work item, QUEUED while it waits, COMPLETED when it was     |
|                                  | made, FAILED when it was rejected                           |
| approval, rejection              | approval of that work item, with the message as its reason; |
|                                  | feedback to the decision to make that call, if it is there; |
|                                  | an approval of every call of a tool has an item of its own  |

The trace, else the conversation, names the run; else its content does. A later state of the same
run continues what is recorded, unless it decided about a call after others had been asked about.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, BinaryIO, Final
from uuid import NAMESPACE_URL, uuid5

import orjson

from eventstore.append import Append
from eventstore.ingest.form import digest
from eventstore.ingest.job import Job
from eventstore.ingest.reader import BrokenFile, Reader, whole
from eventstore.ingest.run_state_approvals import Approvals
from eventstore.ingest.run_state_file import Item, State, parse
from eventstore.ingest.story import Story, registration
from eventstore.vocabulary.trust import MessageRole

__all__ = ["NAMESPACE", "read", "reader"]

NAMESPACE: Final = uuid5(NAMESPACE_URL, "urn:eventstore:run-state")
_CALLS: Final = {
    "tool_call_item": "tool_call",
    "tool_search_call_item": "tool_call",
    "mcp_list_tools_item": "tool_call",
    "handoff_call_item": "hand_off",
}
_ANSWERS: Final = frozenset(
    {"tool_call_output_item", "tool_search_output_item", "handoff_output_item",
     "mcp_approval_response_item"}
)  # fmt: skip
_ASKS: Final = frozenset({"tool_approval_item", "mcp_approval_request_item"})
_SAID: Final = frozenset({"message_output_item", "reasoning_item", "compaction_item"})
_OUTPUT_TYPES: Final = ("program_output",)
"""Answers by their raw type, whatever the item's."""
_ROLES: Final[dict[str, MessageRole]] = {
    "user": "user", "assistant": "agent", "system": "system", "developer": "system",
}  # fmt: skip


def read(file: BinaryIO, name: str) -> Iterator[Append]:
    """The events of one state; raises BrokenFile or InvalidEvent, which repeat no value of it."""
    state, given = parse(whole(file))
    source = {"format": "run-state", "file": name, "schema_version": given["$schemaVersion"]}
    named = _name(state) or digest(given)
    agents = dict.fromkeys([each.agent.called for each in [*state.items, *state.pending]])
    agents[state.current_agent.called] = None
    for agent in agents:
        yield registration(NAMESPACE, agent, "unknown", source, None)
    run = _Run(state, Story(uuid5(NAMESPACE, named), source), list(agents))
    yield from run.told()


reader: Final = Reader(read, names=("*.json",))


def _name(state: State) -> str | None:
    if state.trace is not None:
        return f"trace/{state.trace.id}"
    return f"conversation/{state.conversation_id}" if state.conversation_id else None


class _Run:
    """A run that is being told."""

    def __init__(self, state: State, story: Story, agents: list[str]) -> None:
        self._state, self._story = state, story
        self._job = Job(story, agents[0])
        self._approvals = Approvals(self._job, self._job.order, state)
        self._seen: set[str] = set()
        """The ids of what stands in the input: it may stand among the items too."""
        trace = state.trace
        self._job.open((trace.workflow_name if trace else None) or "a run of agents")
        for agent in agents:
            self._job.join(agent)

    def told(self) -> list[Append]:
        self._input()
        for number, item in enumerate(self._state.items):
            if str(item.raw_item.get("id", "")) not in self._seen:
                self._item(f"items/{number}", item)
        for item in self._state.pending:
            if item.call is not None:
                self._approvals.ask(item.call, _asked(item), item.agent.called)
        self._approvals.decide_rest()
        return self._story.appends()

    def _input(self) -> None:
        given = self._state.original_input
        for number, each in enumerate(
            [{"role": "user", "content": given}] if isinstance(given, str) else given
        ):
            if isinstance(each.get("id"), str):
                self._seen.add(each["id"])
            role = _ROLES.get(str(each.get("role")), "system")
            speaker = self._job.agent if role == "agent" else str(each.get("role", "input"))
            text = _text(each.get("content"))
            self._job.say(
                f"input/{number}", role, text if text is not None else _json(each),
                speaker=speaker, session_of=self._job.agent,
            )  # fmt: skip

    def _item(self, place: str, item: Item) -> None:
        agent, raw = item.agent.called, item.raw_item
        other = {"type": item.type, **item.rest}
        if item.type in _ASKS:
            if item.call is None:
                raise BrokenFile("asks about no call", path=place.replace("/", "."))
            self._approvals.ask(item.call, _asked(item), agent)
        elif item.type in _ANSWERS or raw.get("type") in _OUTPUT_TYPES:
            output = item.output if item.output is not None else raw
            self._job.say(
                place, "system", output if isinstance(output, str) else _json(output),
                speaker="tool", session_of=agent, target=agent,
                cause=self._approvals.decisions.get(item.call or ""), other=other,
            )  # fmt: skip
            if item.call is not None:
                self._approvals.made(item.call)
        elif item.type in _CALLS:
            decision = self._job.decide(
                place, _CALLS[item.type], {"tool": item.tool_name or raw.get("name"), **raw},
                agent=agent, other=other,
            )  # fmt: skip
            if item.call is not None:
                self._approvals.decisions[item.call] = decision
        elif item.type in _SAID:
            content = raw.get("content") or raw.get("summary")
            text = _text(content)
            self._job.say(
                place, "agent", text if text is not None else _json(content), speaker=agent,
                other={**other, "raw": {k: v for k, v in raw.items() if k != "content"}},
            )  # fmt: skip
        else:
            raise BrokenFile("is no known type", path=f"{place}.type".replace("/", "."))


def _asked(item: Item) -> dict[str, Any]:
    """What a call would do, for whoever decides about it."""
    raw = item.raw_item
    asked = {
        "tool": item.tool_name or raw.get("name"),
        "server": raw.get("server_label"),
        "call": item.call,
        "arguments": raw.get("arguments"),
    }
    return {name: value for name, value in asked.items() if value is not None}


def _text(content: Any) -> str | None:
    """The words of a message; None if it has something else."""
    if content is None or isinstance(content, str):
        return content or ""
    if not isinstance(content, list):
        return None
    texts = [part.get("text") if isinstance(part, dict) else None for part in content]
    if any(not isinstance(text, str) for text in texts):
        return None
    return "\n".join(map(str, texts))


def _json(value: Any) -> str:
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()
