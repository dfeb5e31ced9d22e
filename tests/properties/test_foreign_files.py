"""Whatever stands in a foreign file, its reader tells it or names the flaw."""

from __future__ import annotations

import copy
import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eventstore.errors import InvalidEvent
from eventstore.ingest import (
    agent_trail,
    inspect_log,
    openhands,
    run_state,
    swe_agent,
    tau_bench,
    who_and_when,
)
from eventstore.ingest.reader import BrokenFile, Reader
from tests.recorded_runs import (
    Read,
    asked,
    blame,
    run_item,
    sample,
    state_changed,
    stream,
    trajectory,
    trial,
    zipped,
)
from tests.recorded_runs import inspect_log as log
from tests.recorded_runs import run_state as state
from tests.trails import chapter, item, trail

_APPROVALS = {
    "approvals": {"pay": {"approved": ["c1"], "rejected": ["c2"]}, "post": {"approved": True}}
}
_OUTPUT = run_item("tool_call_output_item", {"call_id": "c1", "output": "paid"}, output="paid")

FORMATS: dict[str, tuple[Reader, Any]] = {
    "agent-trail": (
        agent_trail.reader,
        trail(chapter("Build", "coder", 10, 20, item(11, "note"), item(12, "decision"))),
    ),
    "inspect": (inspect_log.reader, log(sample(1), sample(2))),
    "openhands": (openhands.reader, [*stream(), state_changed(7, 8, "finished")]),
    "run-state": (run_state.reader, state(*asked("c1"), _OUTPUT, *asked("c2"), context=_APPROVALS)),
    "swe-agent": (swe_agent.reader, trajectory()),
    "tau-bench": (tau_bench.reader, [trial(), trial(number=1)]),
    "who-and-when": (who_and_when.reader, blame()),
}

scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
anything = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


def places(value: Any) -> list[tuple[Any, ...]]:
    """The ways to every value in a document."""
    inner = value.items() if isinstance(value, dict) else enumerate(value)
    found: list[tuple[Any, ...]] = []
    for key, each in inner:
        found.append((key,))
        if isinstance(each, dict | list):
            found += [(key, *rest) for rest in places(each)]
    return found


def replaced(document: Any, place: tuple[Any, ...], value: Any) -> Any:
    changed = copy.deepcopy(document)
    holder = changed
    for key in place[:-1]:
        holder = holder[key]
    holder[place[-1]] = value
    return changed


@pytest.mark.parametrize("name", FORMATS)
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_a_document_with_anything_in_it_is_told_or_refused(name: str, data: st.DataObject) -> None:
    reader, document = FORMATS[name]
    place = data.draw(st.sampled_from(places(document)))
    content = json.dumps(replaced(document, place, data.draw(anything))).encode()
    with suppress(BrokenFile, InvalidEvent):  # nothing else may come out
        Read(reader, content)


@pytest.mark.parametrize("name", FORMATS)
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_a_damaged_file_is_told_or_refused(name: str, data: st.DataObject) -> None:
    reader, document = FORMATS[name]
    content = bytearray(json.dumps(document).encode())
    if name == "inspect" and data.draw(st.booleans()):
        content = bytearray(zipped(sample(1), sample(2)))
    at = data.draw(st.integers(0, len(content) - 1))
    content[at : at + data.draw(st.integers(0, 40))] = data.draw(st.binary(max_size=4))
    with suppress(BrokenFile, InvalidEvent):
        Read(reader, bytes(content))
