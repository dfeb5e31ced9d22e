"""Commands of packaging and work, drawn at random: few ids and few names, so that they meet."""

from __future__ import annotations

import inspect
from collections import defaultdict
from typing import Any, get_args
from uuid import UUID

from hypothesis import strategies as st

from eventstore import Command
from eventstore.commands import packaging, work
from eventstore.vocabulary.packaging import PackageStatus
from eventstore.vocabulary.work import ConnectorStatus, WorkItemStatus, WorkOrderStatus

__all__ = ["WISHES"]

FEW = st.integers(1, 3)
SOME: dict[str, st.SearchStrategy[Any]] = {
    "agent_id": st.just("ann"),
    "agent_name": st.just("ann"),
    "analysis_data": st.just({}),
    "approver": st.just("eve"),
    "config": st.just({}),
    "content": st.sampled_from(["c", "d"]),
    "decision": st.just("APPROVED"),
    "definition": st.just({}),
    "description": st.none(),
    "document_type": st.sampled_from(["TICKET", "INVOICE"]),
    "document_version": FEW,
    "error": st.just("e"),
    "evaluator": st.just("judge"),
    "file_path": st.just("/f"),
    "file_type": st.just("exe"),
    "filename": st.just("f"),
    "from_revision": st.none() | st.integers(0, 2),
    "health": st.just({}),
    "input_schema": st.just({}),
    "json_schema": st.sampled_from([{}, {"required": ["text"]}]),
    "key": st.sampled_from(["k", "l"]),
    "kind": st.just("test"),
    "metadata": st.just({}),
    "name": st.sampled_from(["x", "y"]),
    "output_schema": st.just({}),
    "passed": st.booleans(),
    "policy_version": st.just("1"),
    "policy_xml": st.just("<p/>"),
    "priority": st.just("LOW"),
    "publisher": st.just("acme"),
    "scopes": st.just([]),
    "score": st.just(1),
    "script_content": st.just("s"),
    "sha256": st.just("0" * 64),
    "size_bytes": st.just(1),
    "source": st.just("mail"),
    "state": st.just("idle"),
    "summary": st.just("s"),
    "tags": st.just([]),
    "template_version": FEW,
    "title": st.just("t"),
    "updated_by": st.just("ann"),
    "value": st.just(1),
    "version": st.just("1"),
}
"""Values of the fields by their names; what is not here is left out, if it may be."""
SPECIAL: dict[tuple[type[Command], str], st.SearchStrategy[Any]] = {
    (packaging.MovePackage, "to_status"): st.sampled_from(get_args(PackageStatus)),
    (work.EndAttempt, "status"): st.sampled_from(["COMPLETED", "TIMEOUT"]),
    (work.EndRun, "status"): st.sampled_from(["COMPLETED", "FAILED"]),
    (work.MoveConnector, "to_status"): st.sampled_from(get_args(ConnectorStatus)),
    (work.MoveWorkItem, "to_status"): st.sampled_from(get_args(WorkItemStatus)),
    (work.MoveWorkOrder, "to_status"): st.sampled_from(get_args(WorkOrderStatus)),
    (work.QueueWorkItem, "content"): st.sampled_from([{}, {"text": "t"}]),
    (work.QueueWorkItem, "type"): st.sampled_from(["TICKET", "INVOICE"]),
    (work.RegisterConnector, "type"): st.just("API"),
    (work.WriteMemDoc, "type"): st.just("CONTEXT"),
}


def _any(kind: type[Command]) -> st.SearchStrategy[Command]:
    fields: dict[str, st.SearchStrategy[Any]] = {}
    for name, info in kind.model_fields.items():
        if name == "command_id":
            continue
        ids: st.SearchStrategy[Any] = FEW.map(lambda n: UUID(int=n))
        if not info.is_required():
            ids = st.none() | ids
        if (kind, name) in SPECIAL:
            fields[name] = SPECIAL[kind, name]
        elif name.endswith("_id") and name != "agent_id":
            fields[name] = ids
        elif info.is_required() or name == "from_revision":
            fields[name] = SOME[name]
    return st.builds(kind, **fields)


def _commands(context: Any) -> list[type[Command]]:
    found = [getattr(context, name) for name in context.__all__]
    return [each for each in found if inspect.isclass(each) and issubclass(each, Command)]


def _by_module(context: Any) -> list[st.SearchStrategy[Command]]:
    kinds = defaultdict(list)
    for kind in _commands(context):
        kinds[kind.__module__].append(_any(kind))
    return [st.one_of(of_one) for of_one in kinds.values()]


WISHES: dict[str, list[st.SearchStrategy[Command]]] = {
    "packaging": _by_module(packaging),
    "work": _by_module(work),
}
"""What can be asked of each context, by subject."""
