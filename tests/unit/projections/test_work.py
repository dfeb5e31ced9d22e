from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import given as for_all
from hypothesis import strategies as st

from eventstore import Event
from eventstore.errors import InvalidEvent
from eventstore.vocabulary.work import (
    WORK_ITEM_MOVES,
    ApprovalDecided,
    AttemptEnded,
    AttemptStarted,
    CapabilityDefined,
    CapabilityGranted,
    CapabilityRevoked,
    CapabilityScopesChanged,
    ConnectorConfigured,
    ConnectorHealthChecked,
    ConnectorRegistered,
    ConnectorStatusChanged,
    DeadLetterRecorded,
    DeadLetterResolved,
    DeadLetterRetried,
    ErrorReported,
    EvalRecorded,
    EvidenceGiven,
    MemDocRemoved,
    MemDocWritten,
    RunEnded,
    RunStarted,
    SchemaActivated,
    SchemaPublished,
    SchemaRetired,
    ToolRegistered,
    WorkflowTemplatePublished,
    WorkItemAssigned,
    WorkItemQueued,
    WorkItemStatus,
    WorkItemStatusChanged,
    WorkOrderDetailsChanged,
    WorkOrderOpened,
    WorkOrderStatus,
    WorkOrderStatusChanged,
)
from projections.errors import Contradiction, IllegalTransition, MissingRow, RowExists
from projections.testing import FIRST_MOMENT, given
from projections.work import (
    ApprovalEvent,
    Attempt,
    Capability,
    Connector,
    DeadLetter,
    EvalResult,
    MemDoc,
    Run,
    Schema,
    Tool,
    ToolCapability,
    Work,
    WorkflowTemplate,
    WorkItem,
    WorkOrder,
)

ORDER, ITEM, TRY = uuid4(), uuid4(), uuid4()
OPENED = WorkOrderOpened(work_order_id=ORDER, title="Pack them", metadata={"n": 1})
QUEUED = WorkItemQueued(work_item_id=ITEM, work_order_id=ORDER, type="TICKET", content={"x": "y"})
STARTED = AttemptStarted(attempt_id=TRY, work_item_id=ITEM, agent_id="ann", input={"a": 1})


def item_moved(
    before: WorkItemStatus, after: WorkItemStatus, item: UUID = ITEM, order: UUID = ORDER
) -> WorkItemStatusChanged:
    return WorkItemStatusChanged(
        work_item_id=item, work_order_id=order, from_status=before, to_status=after
    )


def test_an_order_and_its_item() -> None:
    given(Work(), OPENED, QUEUED).then(
        WorkOrder(
            id=ORDER,
            title="Pack them",
            status="PENDING",
            priority="MEDIUM",
            metadata={"n": 1},
            item_count=1,
            finished_count=0,
        ),
        WorkItem(id=ITEM, work_order_id=ORDER, type="TICKET", status="QUEUED", content={"x": "y"}),
    )


@pytest.mark.parametrize(
    ("before", "event", "cause"),
    [
        ([], QUEUED, MissingRow),
        ([OPENED], STARTED, MissingRow),
        ([OPENED], WorkOrderOpened(work_order_id=ORDER, title="again"), RowExists),
        ([OPENED, QUEUED], QUEUED, RowExists),
        ([OPENED], WorkItemAssigned(work_item_id=ITEM, agent_id="ann"), MissingRow),
        ([OPENED, QUEUED], AttemptEnded(attempt_id=TRY, status="COMPLETED"), MissingRow),
        (
            [OPENED],
            ApprovalDecided(
                approval_id=uuid4(),
                work_item_id=ITEM,
                approver="eve",
                decision="APPROVED",
                policy_version="1",
            ),
            MissingRow,
        ),
    ],
)
def test_what_has_no_parent_or_is_there_already_is_refused(
    before: list[Event], event: Event, cause: type[Exception]
) -> None:
    given(Work(), *before).refuses(event, cause)


def test_a_refused_item_is_not_counted() -> None:
    story = given(Work(), OPENED, QUEUED)
    story.refuses(QUEUED, RowExists)
    assert story.row(WorkOrder).item_count == 1


def test_an_order_moves_and_changes() -> None:
    def order_moved(before: WorkOrderStatus, after: WorkOrderStatus) -> WorkOrderStatusChanged:
        return WorkOrderStatusChanged(work_order_id=ORDER, from_status=before, to_status=after)

    story = given(
        Work(),
        OPENED,
        WorkOrderDetailsChanged(work_order_id=ORDER, title="T", priority="URGENT", metadata={}),
        order_moved("PENDING", "PROCESSING"),
        order_moved("PROCESSING", "FAILED"),
        order_moved("FAILED", "PENDING"),
    )
    story.then(WorkOrder(id=ORDER, title="T", status="PENDING", priority="URGENT"))
    story.refuses(order_moved("PROCESSING", "COMPLETED"), IllegalTransition)


def test_an_item_is_assigned_and_freed() -> None:
    package = uuid4()
    item = QUEUED.model_copy(update={"assigned_agent": "ann", "package_id": package})
    assert given(Work(), OPENED, item).row(WorkItem).assigned_agent == "ann"
    assert given(Work(), OPENED, item).row(WorkItem).package_id == package
    freed = given(Work(), OPENED, item, WorkItemAssigned(work_item_id=ITEM, agent_id=None))
    assert freed.row(WorkItem).assigned_agent is None


@for_all(st.data())
def test_finished_counts_the_items_that_are_finished(data: st.DataObject) -> None:
    items = [uuid4() for _ in range(3)]
    events: list[Event] = [OPENED]
    events += [
        WorkItemQueued(work_item_id=item, work_order_id=ORDER, type="TICKET") for item in items
    ]
    status: dict[UUID, WorkItemStatus] = dict.fromkeys(items, "QUEUED")
    for _ in range(data.draw(st.integers(0, 15))):
        item = data.draw(st.sampled_from(items))
        following = sorted(WORK_ITEM_MOVES[status[item]])
        if following:
            after = data.draw(st.sampled_from(following))
            events.append(item_moved(status[item], after, item))
            status[item] = after
    story = given(Work(), *events)
    order = story.row(WorkOrder)
    assert {item.id: item.status for item in story.rows(WorkItem)} == status
    assert order.item_count == 3
    assert order.finished_count == sum(s in ("COMPLETED", "FAILED") for s in status.values())


def test_an_item_moves_only_from_where_it_is_and_in_its_order() -> None:
    other = WorkOrderOpened(work_order_id=uuid4(), title="other")
    story = given(Work(), OPENED, other, QUEUED)
    story.refuses(item_moved("PROCESSING", "COMPLETED"), IllegalTransition)
    story.refuses(item_moved("QUEUED", "PROCESSING", order=other.work_order_id), Contradiction)


def test_attempts_are_numbered_without_gaps_for_each_item() -> None:
    second_item = WorkItemQueued(work_item_id=uuid4(), work_order_id=ORDER, type="INVOICE")
    tries = [STARTED] + [
        AttemptStarted(attempt_id=uuid4(), work_item_id=item, agent_id="bob")
        for item in (second_item.work_item_id, ITEM, ITEM)
    ]
    story = given(Work(), OPENED, QUEUED, second_item, *tries)
    numbers = {attempt.id: attempt.attempt_no for attempt in story.rows(Attempt)}
    assert [numbers[one.attempt_id] for one in tries] == [1, 1, 2, 3]
    assert {item.id: item.attempts for item in story.rows(WorkItem)} == {
        ITEM: 3,
        second_item.work_item_id: 1,
    }


def test_an_attempt_from_start_to_end() -> None:
    ended = AttemptEnded(attempt_id=TRY, status="COMPLETED", output={"ok": True}, duration_ms=12)
    story = given(Work(), OPENED, QUEUED, STARTED, ended).then(
        Attempt(
            id=TRY,
            work_item_id=ITEM,
            attempt_no=1,
            agent_id="ann",
            status="COMPLETED",
            input={"a": 1},
            output={"ok": True},
            started_at=FIRST_MOMENT + timedelta(seconds=3),
            ended_at=FIRST_MOMENT + timedelta(seconds=4),
            duration_ms=12,
        )
    )
    story.refuses(AttemptEnded(attempt_id=TRY, status="FAILED"), IllegalTransition)


@pytest.mark.parametrize(("said_at_end", "kept"), [(None, "exit 1"), ("gave up", "gave up")])
def test_the_last_error_of_an_attempt_is_kept(said_at_end: str | None, kept: str) -> None:
    story = given(
        Work(),
        OPENED,
        QUEUED,
        STARTED,
        ErrorReported(work_item_id=ITEM, attempt_id=TRY, error="exit 1", cause="exit_nonzero"),
        ErrorReported(work_item_id=ITEM, error="about no attempt"),
        AttemptEnded(attempt_id=TRY, status="TIMEOUT", error=said_at_end),
    )
    attempt = story.row(Attempt)
    assert (attempt.status, attempt.error) == ("TIMEOUT", kept)


def test_evidence_stays_in_the_log() -> None:
    evidence = EvidenceGiven(
        evidence_id=uuid4(), work_item_id=ITEM, kind="verification", summary="6 files, exit 0"
    )
    story = given(Work(), OPENED, QUEUED)
    assert given(Work(), OPENED, QUEUED, evidence).state == story.state


def test_an_approval() -> None:
    approved = ApprovalDecided(
        approval_id=uuid4(),
        work_item_id=ITEM,
        approver="eve",
        decision="ESCALATED",
        reason="risk",
        policy_version="2026-01",
    )
    story = given(Work(), OPENED, QUEUED, approved).then(
        ApprovalEvent(
            id=approved.approval_id,
            work_item_id=ITEM,
            approver="eve",
            decision="ESCALATED",
            reason="risk",
            policy_version="2026-01",
            decided_at=FIRST_MOMENT + timedelta(seconds=3),
        )
    )
    assert story.row(WorkItem).position == 2, "it looks at the item and leaves it as it is"


def test_a_negative_duration_can_not_be_said() -> None:
    with pytest.raises(InvalidEvent):
        AttemptEnded(attempt_id=TRY, status="COMPLETED", duration_ms=-1)


def at(position: int) -> Any:
    return FIRST_MOMENT + timedelta(seconds=position)


def test_an_evaluation() -> None:
    recorded = EvalRecorded(
        eval_id=uuid4(),
        work_item_id=ITEM,
        evaluator="judge",
        score=0.25,
        passed=False,
        details={"why": "late"},
    )
    given(Work(), OPENED, QUEUED, recorded).then(
        EvalResult(
            id=recorded.eval_id,
            work_item_id=ITEM,
            evaluator="judge",
            score=0.25,
            passed=False,
            details={"why": "late"},
        )
    )
    given(Work(), OPENED).refuses(recorded, MissingRow)
    with pytest.raises(InvalidEvent):
        EvalRecorded(**dict(recorded) | {"score": 1.1})


def test_what_is_kept_in_mind() -> None:
    document = MemDocWritten(mem_doc_id=uuid4(), type="CONTEXT", content="a", metadata={"n": 1})
    about = document.model_copy(
        update={"content": "b", "work_item_id": ITEM, "type": "KNOWLEDGE", "metadata": {}}
    )
    gone = MemDocRemoved(mem_doc_id=document.mem_doc_id)
    id_of = document.mem_doc_id
    given(Work(), document).then(
        MemDoc(id=id_of, type="CONTEXT", content="a", metadata={"n": 1})
    ).refuses(about, MissingRow)
    story = given(Work(), OPENED, QUEUED, document, about).then(
        MemDoc(id=id_of, type="KNOWLEDGE", content="b", work_item_id=ITEM)
    )
    removed = given(Work(), *story.events, gone)
    assert removed.rows(MemDoc) == []
    removed.refuses(gone, MissingRow)


def test_a_run_of_a_template() -> None:
    template = WorkflowTemplatePublished(
        workflow_template_id=uuid4(), name="pack", template_version=2, definition={"steps": []}
    )
    started = RunStarted(
        run_id=uuid4(), workflow_template_id=template.workflow_template_id, work_order_id=ORDER
    )
    alone = RunStarted(run_id=uuid4())
    ended = RunEnded(run_id=started.run_id, status="CANCELLED", reason="no time")
    given(Work(), template).refuses(started, MissingRow)
    given(Work(), OPENED).refuses(started, MissingRow)
    given(Work(), OPENED, template, started, alone, ended).then(
        WorkflowTemplate(
            id=template.workflow_template_id,
            name="pack",
            template_version=2,
            definition={"steps": []},
        ),
        Run(
            id=started.run_id,
            workflow_template_id=template.workflow_template_id,
            work_order_id=ORDER,
            status="CANCELLED",
            started_at=at(3),
            ended_at=at(5),
        ),
        Run(id=alone.run_id, status="STARTED", started_at=at(4)),
    ).refuses(ended, IllegalTransition)


def test_a_dead_letter_until_it_is_resolved() -> None:
    letter, about = uuid4(), uuid4()
    put_aside = DeadLetterRecorded(
        dead_letter_id=letter, source="mail", about_event_id=about, payload={"to": 1}, error="550"
    )
    retried = [
        DeadLetterRetried(dead_letter_id=letter),
        DeadLetterRetried(dead_letter_id=letter, error="timeout"),
    ]
    resolved = DeadLetterResolved(dead_letter_id=letter, resolution="sent by hand")
    row: dict[str, Any] = {"id": letter, "source": "mail", "event_id": about, "payload": {"to": 1}}
    given(Work(), put_aside).then(DeadLetter(**row, error="550"))
    given(Work(), put_aside, retried[0]).then(
        DeadLetter(**row, error="550", retry_count=1, last_retry_at=at(2))
    )
    story = given(Work(), put_aside, *retried, resolved).then(
        DeadLetter(**row, error="timeout", retry_count=2, last_retry_at=at(3), resolved_at=at(4))
    )
    for late in (retried[0], resolved):
        story.refuses(late, IllegalTransition)


CONNECTOR = ConnectorRegistered(connector_id=uuid4(), name="mail", type="EMAIL", config={"h": 1})
TOOL = ToolRegistered(
    tool_id=uuid4(),
    connector_id=CONNECTOR.connector_id,
    name="send",
    version="1.0",
    input_schema={"type": "object", "required": ["to"]},
    output_schema={"type": "boolean"},
)


def test_a_connector_and_its_health() -> None:
    connector = CONNECTOR.connector_id
    activated = ConnectorStatusChanged(
        connector_id=connector, from_status="INACTIVE", to_status="ACTIVE"
    )
    story = given(
        Work(),
        CONNECTOR,
        activated,
        ConnectorConfigured(connector_id=connector, config={"h": 2}),
        ConnectorHealthChecked(connector_id=connector, health={"ms": 12}),
    ).then(
        Connector(
            id=connector,
            name="mail",
            type="EMAIL",
            status="ACTIVE",
            config={"h": 2},
            last_health_check_at=at(4),
            health={"ms": 12},
        )
    )
    story.refuses(activated, IllegalTransition)
    story.refuses(CONNECTOR, RowExists)
    assert given(Work(), CONNECTOR).row(Connector).status == "INACTIVE"


def test_a_tool_and_what_it_may_do() -> None:
    sending = CapabilityDefined(capability_id=uuid4(), name="sending", scopes=["mail:send"])
    tool, capability = TOOL.tool_id, sending.capability_id
    granted = CapabilityGranted(tool_id=tool, capability_id=capability)
    revoked = CapabilityRevoked(tool_id=tool, capability_id=capability, reason="spam")
    given(Work()).refuses(TOOL, MissingRow)
    given(Work(), CONNECTOR, TOOL).refuses(granted, MissingRow)
    given(Work(), sending).refuses(granted, MissingRow)
    story = given(
        Work(),
        CONNECTOR,
        TOOL,
        sending,
        CapabilityScopesChanged(capability_id=capability, scopes=["mail:send", "mail:read"]),
        granted,
    ).then(
        Tool(
            id=tool,
            connector_id=CONNECTOR.connector_id,
            name="send",
            version="1.0",
            input_schema={"type": "object", "required": ["to"]},
            output_schema={"type": "boolean"},
        ),
        Capability(id=capability, name="sending", scopes=["mail:send", "mail:read"]),
        ToolCapability(tool_id=tool, capability_id=capability),
    )
    story.refuses(granted, RowExists)
    story = given(Work(), *story.events, revoked)
    assert story.rows(ToolCapability) == []
    story.refuses(revoked, MissingRow)
    assert len(given(Work(), *story.events, granted).rows(ToolCapability)) == 1


def test_which_schema_counts() -> None:
    first, second = (
        SchemaPublished(
            schema_id=uuid4(), document_type="TICKET", document_version=n, json_schema={"title": t}
        )
        for n, t in ((1, "a"), (2, "b"))
    )

    def moved(event: Any, schema: SchemaPublished, of: str = "TICKET") -> Event:
        moved: Event = event(schema_id=schema.schema_id, document_type=of)
        return moved

    story = given(
        Work(),
        first,
        second,
        moved(SchemaActivated, first),
        moved(SchemaRetired, first),
        moved(SchemaActivated, second),
    ).then(
        Schema(
            id=first.schema_id,
            document_type="TICKET",
            schema_version=1,
            json_schema={"title": "a"},
            active=False,
        ),
        Schema(
            id=second.schema_id,
            document_type="TICKET",
            schema_version=2,
            json_schema={"title": "b"},
            active=True,
        ),
    )
    story.refuses(moved(SchemaActivated, second), IllegalTransition)
    story.refuses(moved(SchemaRetired, first), IllegalTransition)
    story.refuses(moved(SchemaActivated, first, of="INVOICE"), Contradiction)
