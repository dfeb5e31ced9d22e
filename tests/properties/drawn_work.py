"""The events of work, for stories."""

from __future__ import annotations

from uuid import UUID

from hypothesis import strategies as st

from eventstore import Event
from eventstore.vocabulary import work
from tests.properties.drawn import agents, ids, moves, objects, packages, texts

orders, items, attempts = ids(3, 2), ids(4, 3), ids(5, 4)
tools, capabilities, schemas = ids(15, 2), ids(16, 2), ids(17, 3)
CONNECTOR = UUID(int=14 << 32 | 1)

EVENTS: tuple[st.SearchStrategy[Event], ...] = (
    st.builds(work.WorkOrderOpened, work_order_id=orders, title=st.just("t"), metadata=objects),
    st.builds(
        work.WorkItemQueued,
        work_item_id=items,
        work_order_id=orders,
        type=st.just("TICKET"),
        content=objects,
        package_id=st.none() | packages,
    ),
    moves(
        work.WorkItemStatusChanged,
        work.WORK_ITEM_MOVES,
        work_item_id=items,
        work_order_id=orders,
    ),
    moves(work.WorkOrderStatusChanged, work.WORK_ORDER_MOVES, work_order_id=orders),
    st.builds(
        work.AttemptStarted, attempt_id=attempts, work_item_id=items, agent_id=agents, input=objects
    ),
    st.builds(
        work.AttemptEnded,
        attempt_id=attempts,
        status=st.sampled_from(["COMPLETED", "FAILED", "TIMEOUT"]),
        output=st.none() | objects,
        duration_ms=st.none() | st.integers(0, 10**6),
    ),
    st.builds(
        work.EvalRecorded,
        eval_id=ids(18, 3),
        work_item_id=items,
        evaluator=agents,
        score=st.floats(0, 1),
        passed=st.booleans(),
        details=objects,
    ),
    st.builds(
        work.MemDocWritten,
        mem_doc_id=ids(19, 2),
        type=st.just("CONTEXT"),
        content=texts,
        work_item_id=st.none() | items,
        metadata=objects,
    ),
    st.builds(work.MemDocRemoved, mem_doc_id=ids(19, 2)),
    st.builds(work.RunStarted, run_id=ids(20, 2), work_order_id=st.none() | orders),
    st.builds(work.RunEnded, run_id=ids(20, 2), status=st.sampled_from(["COMPLETED", "FAILED"])),
    st.builds(
        work.DeadLetterRecorded,
        dead_letter_id=ids(21, 2),
        source=st.just("s"),
        payload=objects,
        error=texts,
    ),
    st.builds(work.DeadLetterRetried, dead_letter_id=ids(21, 2), error=st.none() | texts),
    st.builds(work.DeadLetterResolved, dead_letter_id=ids(21, 2)),
    st.builds(
        lambda tool, **rest: work.ToolRegistered(tool_id=tool, version=str(tool.int), **rest),
        tool=tools,
        connector_id=st.just(CONNECTOR),
        name=st.just("n"),
        input_schema=st.just({}),
        output_schema=st.just({"type": "object"}),
    ),
    st.builds(
        lambda capability, scopes: work.CapabilityDefined(
            capability_id=capability, name=str(capability), scopes=scopes
        ),
        capability=capabilities,
        scopes=st.lists(st.just("mail:send"), max_size=2),
    ),
    st.builds(work.CapabilityGranted, tool_id=tools, capability_id=capabilities),
    st.builds(work.CapabilityRevoked, tool_id=tools, capability_id=capabilities),
    st.builds(
        lambda schema: work.SchemaPublished(
            schema_id=schema,
            document_type="TICKET",
            document_version=schema.int & 0xFFFF,
            json_schema={},
        ),
        schema=schemas,
    ),
    st.builds(work.SchemaActivated, schema_id=schemas, document_type=st.just("TICKET")),
    st.builds(work.SchemaRetired, schema_id=schemas, document_type=st.just("TICKET")),
)
