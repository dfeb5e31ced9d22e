from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from eventstore import Claim, Command, Event
from eventstore.commands import work as ask
from eventstore.refusals import (
    AlreadyExists,
    DoesNotExist,
    IllegalMove,
    InvalidCommand,
    NotAllowed,
    SchemaViolated,
)
from eventstore.testing import given
from eventstore.vocabulary import work

ORDER, ITEM, TRY, OTHER_TRY, JUDGED = (UUID(int=n) for n in range(1, 6))
OLD, NEW, CONNECTOR, TOOL, CAPABILITY, TEMPLATE, RUN, DOC, LETTER = (
    UUID(int=n) for n in range(11, 20)
)
OF_ORDER, OF_TYPE = f"work_order-{ORDER}", "schema-TICKET"

opened = work.WorkOrderOpened(work_order_id=ORDER, title="Pack")
queued = work.WorkItemQueued(
    work_item_id=ITEM, work_order_id=ORDER, type="TICKET", content={"text": "t"}
)
queue = ask.QueueWorkItem(
    work_item_id=ITEM, work_order_id=ORDER, type="TICKET", content={"text": "t"}
)
started = work.AttemptStarted(attempt_id=TRY, work_item_id=ITEM, agent_id="ann")
start = ask.StartAttempt(attempt_id=TRY, work_item_id=ITEM, agent_id="ann")
ended = work.AttemptEnded(attempt_id=TRY, status="COMPLETED")
connected = work.ConnectorRegistered(connector_id=CONNECTOR, name="mail", type="EMAIL")
TOOL_SAID: dict[str, Any] = {
    "tool_id": TOOL, "connector_id": CONNECTOR, "name": "send", "version": "1",
    "input_schema": {"type": "object"}, "output_schema": {},
}  # fmt: skip
tooled = work.ToolRegistered(**TOOL_SAID)
defined = work.CapabilityDefined(capability_id=CAPABILITY, name="sending", scopes=["mail:send"])


def order_moved(before: Any, after: Any) -> Event:
    return work.WorkOrderStatusChanged(work_order_id=ORDER, from_status=before, to_status=after)


def moved(before: Any, after: Any) -> Event:
    return work.WorkItemStatusChanged(
        work_item_id=ITEM, work_order_id=ORDER, from_status=before, to_status=after
    )


def published(schema_id: UUID, number: int, schema: dict[str, Any]) -> work.SchemaPublished:
    return work.SchemaPublished(
        schema_id=schema_id, document_type="TICKET", document_version=number, json_schema=schema
    )


def activated(schema_id: UUID) -> Event:
    return work.SchemaActivated(schema_id=schema_id, document_type="TICKET")


def retired(schema_id: UUID) -> Event:
    return work.SchemaRetired(schema_id=schema_id, document_type="TICKET")


processing = moved("QUEUED", "PROCESSING")
old = published(OLD, 1, {"required": ["text"]})
new = published(NEW, 2, {"properties": {"text": {"type": "integer"}}})


def test_an_order_is_opened_once_and_moves_on() -> None:
    given().when(ask.OpenWorkOrder(work_order_id=ORDER, title="Pack")).then(opened)
    given(opened).when(ask.OpenWorkOrder(work_order_id=ORDER, title="Pack")).refused(AlreadyExists)
    going = ask.MoveWorkOrder(work_order_id=ORDER, to_status="PROCESSING")
    given(opened).when(going).then(order_moved("PENDING", "PROCESSING"))
    given().when(going).refused(DoesNotExist)
    done = [opened, order_moved("PENDING", "PROCESSING"), order_moved("PROCESSING", "COMPLETED")]
    refused = given(*done).when(going).refused(IllegalMove)
    assert (refused.status, refused.allowed) == ("COMPLETED", ())
    details: dict[str, Any] = {"title": "P", "priority": "URGENT", "metadata": {}}
    given(*done).when(ask.ChangeWorkOrderDetails(work_order_id=ORDER, **details)).then(
        work.WorkOrderDetailsChanged(work_order_id=ORDER, **details)
    )


def test_an_item_is_queued_in_an_order_that_takes_it() -> None:
    given(others={OF_ORDER: [opened]}).when(queue).then(queued)
    given(queued, others={OF_ORDER: [opened]}).when(queue).refused(AlreadyExists)
    given().when(queue).refused(DoesNotExist)
    failed = [opened, order_moved("PENDING", "FAILED")]
    given(others={OF_ORDER: failed}).when(queue).then(queued)
    done = [opened, order_moved("PENDING", "PROCESSING"), order_moved("PROCESSING", "COMPLETED")]
    given(others={OF_ORDER: done}).when(queue).refused(NotAllowed)


@pytest.mark.parametrize(
    ("schemas", "refusal"),
    [
        ([old], None),
        ([old, new, activated(OLD)], None),
        ([old, new, activated(NEW)], ("$.text", "'t' is not of type 'integer'")),
        ([old, new, activated(NEW), retired(NEW)], None),
        ([old, new, activated(NEW), retired(NEW), activated(OLD)], None),
        ([old, new, activated(OLD), activated(NEW)], None),  # past the deciders: it is held
    ],
)
def test_content_is_checked_against_the_schema_that_is_active_for_its_type(
    schemas: list[Event], refusal: tuple[str, str] | None
) -> None:
    asked = given(others={OF_ORDER: [opened], OF_TYPE: schemas}).when(queue)
    if refusal is None:
        asked.then(queued)
    else:
        refused = asked.refused(SchemaViolated)
        assert (refused.thing, refused.path, refused.reason) == ("TICKET", *refusal)


def test_an_unknown_type_of_item_can_not_be_asked_for() -> None:
    with pytest.raises(InvalidCommand, match="register_work_item_type"):
        ask.QueueWorkItem(work_item_id=ITEM, work_order_id=ORDER, type="NEVER_HEARD")


def test_the_first_attempt_takes_the_item_up() -> None:
    claim = [Claim("work.attempt", str(TRY))]
    given(queued).when(start).then(processing, started, claims=claim)
    given(queued, processing).when(start).then(started, claims=claim)
    given(queued, processing, started).when(start).refused(AlreadyExists)
    given().when(start).refused(DoesNotExist)
    failed = [queued, processing, moved("PROCESSING", "FAILED")]
    assert given(*failed).when(start).refused(IllegalMove).allowed == ("QUEUED",)


def test_an_attempt_ends_once() -> None:
    end = ask.EndAttempt(work_item_id=ITEM, attempt_id=TRY, status="COMPLETED")
    given(queued, processing, started).when(end).then(ended)
    refused = given(queued, processing, started, ended).when(end).refused(IllegalMove)
    assert refused.status == "COMPLETED"
    given(queued, processing).when(end).refused(DoesNotExist)
    done = moved("PROCESSING", "COMPLETED")
    given(queued, processing, started, done).when(end).then(ended)


@pytest.mark.parametrize(
    ("command", "event", "more"),
    [
        (ask.GiveEvidence, work.EvidenceGiven, {"evidence_id": DOC, "kind": "test", "summary": ""}),
        (ask.ReportError, work.ErrorReported, {"error": "exit 1"}),
    ],
)
def test_what_is_found_is_about_an_attempt_at_the_item(
    command: type[Command], event: type[Event], more: dict[str, Any]
) -> None:
    said = {"work_item_id": ITEM, **more}
    given(queued).when(command(**said)).then(event(**said))
    given().when(command(**said)).refused(DoesNotExist)
    said["attempt_id"] = TRY
    given(queued, started).when(command(**said)).then(event(**said))
    said["attempt_id"] = OTHER_TRY
    given(queued, started).when(command(**said)).refused(DoesNotExist)


@pytest.mark.parametrize(
    ("command", "event", "scope", "said"),
    [
        (
            ask.DecideApproval,
            work.ApprovalDecided,
            "work.approval",
            {"approval_id": JUDGED, "approver": "eve", "decision": "APPROVED"}
            | {"policy_version": "1"},
        ),
        (
            ask.RecordEval,
            work.EvalRecorded,
            "work.evaluation",
            {"eval_id": JUDGED, "evaluator": "judge", "score": 0.5, "passed": True},
        ),
    ],
)
def test_an_item_is_judged_under_ids_of_their_own(
    command: type[Command], event: type[Event], scope: str, said: dict[str, Any]
) -> None:
    said = {"work_item_id": ITEM, **said}
    given(queued).when(command(**said)).then(event(**said), claims=[Claim(scope, str(JUDGED))])
    given(queued, event(**said)).when(command(**said)).refused(AlreadyExists)
    given().when(command(**said)).refused(DoesNotExist)


def test_an_item_is_assigned_and_moved() -> None:
    given(queued).when(ask.AssignWorkItem(work_item_id=ITEM, agent_id=None)).then(
        work.WorkItemAssigned(work_item_id=ITEM, agent_id=None)
    )
    given().when(ask.AssignWorkItem(work_item_id=ITEM, agent_id="ann")).refused(DoesNotExist)
    done = ask.MoveWorkItem(work_item_id=ITEM, to_status="COMPLETED")
    given(queued, processing).when(done).then(moved("PROCESSING", "COMPLETED"))
    given(queued).when(done).refused(IllegalMove)


def test_a_type_has_numbered_schemas_of_which_one_counts() -> None:
    said: dict[str, Any] = {"document_type": "TICKET", "schema_id": NEW}
    publish = ask.PublishSchema(**said, document_version=2, json_schema=new.json_schema)
    given(old).when(publish).then(new, claims=[Claim("work.schema", str(NEW))])
    given(new).when(publish).refused(AlreadyExists)
    given(published(OLD, 2, {})).when(publish).refused(AlreadyExists)
    activate, retire = ask.ActivateSchema(**said), ask.RetireSchema(**said)
    given(new).when(activate).then(activated(NEW))
    given(old, new, activated(OLD)).when(activate).then(retired(OLD), activated(NEW))
    given(old, new, activated(NEW)).when(activate).refused(NotAllowed)
    given(old).when(activate).refused(DoesNotExist)
    given(new, activated(NEW)).when(retire).then(retired(NEW))
    given(new).when(retire).refused(NotAllowed)


def test_a_connector_has_a_name_of_its_own_and_moves() -> None:
    register = ask.RegisterConnector(connector_id=CONNECTOR, name="mail", type="EMAIL")
    given().when(register).then(connected, claims=[Claim("work.connector.name", "mail")])
    given(connected).when(register).refused(AlreadyExists)
    move = ask.MoveConnector(connector_id=CONNECTOR, to_status="INACTIVE")
    given(connected).when(move).refused(IllegalMove)
    given().when(move).refused(DoesNotExist)
    error = ask.MoveConnector(connector_id=CONNECTOR, to_status="ERROR", reason="550")
    given(connected).when(error).then(
        work.ConnectorStatusChanged(
            connector_id=CONNECTOR, from_status="INACTIVE", to_status="ERROR", reason="550"
        )
    )


@pytest.mark.parametrize(
    ("command", "event", "more"),
    [
        (ask.ConfigureConnector, work.ConnectorConfigured, {"config": {"password_ref": "vault"}}),
        (ask.RecordConnectorHealth, work.ConnectorHealthChecked, {"health": {"ms": 3}}),
    ],
)
def test_a_connector_is_set_up_and_looked_at(
    command: type[Command], event: type[Event], more: dict[str, Any]
) -> None:
    said = {"connector_id": CONNECTOR, **more}
    given(connected).when(command(**said)).then(event(**said))
    given().when(command(**said)).refused(DoesNotExist)


def test_a_secret_can_not_be_asked_to_be_recorded() -> None:
    with pytest.raises(InvalidCommand, match="secret in plain text"):
        ask.ConfigureConnector(connector_id=CONNECTOR, config={"password": "hunter2"})


def test_a_tool_is_of_a_connector_and_named_there() -> None:
    register, of_connector = ask.RegisterTool(**TOOL_SAID), f"connector-{CONNECTOR}"
    claim = Claim("work.tool.name", f"{CONNECTOR}/send/1")
    given(others={of_connector: [connected]}).when(register).then(tooled, claims=[claim])
    given(tooled, others={of_connector: [connected]}).when(register).refused(AlreadyExists)
    given().when(register).refused(DoesNotExist)
    with pytest.raises(InvalidCommand, match="no JSON Schema"):
        ask.RegisterTool(**{**TOOL_SAID, "input_schema": {"type": "thing"}})


def test_a_tool_is_granted_a_capability_and_loses_it() -> None:
    said: dict[str, Any] = {"tool_id": TOOL, "capability_id": CAPABILITY}
    of_capability = {f"capability-{CAPABILITY}": [defined]}
    grant, revoke = ask.GrantCapability(**said), ask.RevokeCapability(**said)
    granted, revoked = work.CapabilityGranted(**said), work.CapabilityRevoked(**said)
    given(tooled, others=of_capability).when(grant).then(granted)
    given(tooled, granted, others=of_capability).when(grant).refused(NotAllowed)
    given(tooled).when(grant).refused(DoesNotExist)
    given(others=of_capability).when(grant).refused(DoesNotExist)
    given(tooled, granted).when(revoke).then(revoked)
    given(tooled, granted, revoked).when(revoke).refused(NotAllowed)
    given().when(revoke).refused(DoesNotExist)


def test_a_capability_has_a_name_of_its_own() -> None:
    define = ask.DefineCapability(capability_id=CAPABILITY, name="sending", scopes=["mail:send"])
    given().when(define).then(defined, claims=[Claim("work.capability.name", "sending")])
    given(defined).when(define).refused(AlreadyExists)
    scopes: dict[str, Any] = {"capability_id": CAPABILITY, "scopes": []}
    given(defined).when(ask.ChangeCapabilityScopes(**scopes)).then(
        work.CapabilityScopesChanged(**scopes)
    )
    given().when(ask.ChangeCapabilityScopes(**scopes)).refused(DoesNotExist)


def test_a_run_follows_what_is_there() -> None:
    said = {"run_id": RUN, "workflow_template_id": TEMPLATE, "work_order_id": ORDER}
    template: dict[str, Any] = {
        "workflow_template_id": TEMPLATE, "name": "pack", "template_version": 3, "definition": {},
    }  # fmt: skip
    there = work.WorkflowTemplatePublished(**template)
    given().when(ask.PublishWorkflowTemplate(**template)).then(
        there, claims=[Claim("work.workflow_template", "pack/3")]
    )
    given(there).when(ask.PublishWorkflowTemplate(**template)).refused(AlreadyExists)
    of_template = f"workflow_template-{TEMPLATE}"
    both: dict[str, list[Event]] = {of_template: [there], OF_ORDER: [opened]}
    begun = work.RunStarted(**said)
    given(others=both).when(ask.StartRun(**said)).then(begun)
    for missing in both:
        others = {name: events for name, events in both.items() if name != missing}
        given(others=others).when(ask.StartRun(**said)).refused(DoesNotExist)
    given(begun, others=both).when(ask.StartRun(**said)).refused(AlreadyExists)
    given().when(ask.StartRun(run_id=RUN)).then(work.RunStarted(run_id=RUN))
    over = work.RunEnded(run_id=RUN, status="CANCELLED")
    end = ask.EndRun(run_id=RUN, status="CANCELLED")
    given(begun).when(end).then(over)
    given(begun, over).when(end).refused(IllegalMove)
    given().when(end).refused(DoesNotExist)


def test_a_document_of_memory_is_written_and_removed() -> None:
    said: dict[str, Any] = {"mem_doc_id": DOC, "type": "CONTEXT", "content": "c"}
    written = work.MemDocWritten(**said)
    given().when(ask.WriteMemDoc(**said)).then(written)
    given(written).when(ask.WriteMemDoc(**said)).then(written)
    about = {**said, "work_item_id": ITEM}
    given().when(ask.WriteMemDoc(**about)).refused(DoesNotExist)
    given(others={f"work_item-{ITEM}": [queued]}).when(ask.WriteMemDoc(**about)).then(
        work.MemDocWritten(**about)
    )
    removed = work.MemDocRemoved(mem_doc_id=DOC)
    given(written).when(ask.RemoveMemDoc(mem_doc_id=DOC)).then(removed)
    given(written, removed).when(ask.RemoveMemDoc(mem_doc_id=DOC)).refused(DoesNotExist)


def test_a_dead_letter_is_dealt_with_once() -> None:
    said: dict[str, Any] = {"dead_letter_id": LETTER, "source": "mail", "error": "550"}
    aside = work.DeadLetterRecorded(**said)
    given().when(ask.RecordDeadLetter(**said)).then(aside)
    given(aside).when(ask.RecordDeadLetter(**said)).refused(AlreadyExists)
    retry, resolve = (
        ask.RetryDeadLetter(dead_letter_id=LETTER),
        ask.ResolveDeadLetter(dead_letter_id=LETTER),
    )
    resolved = work.DeadLetterResolved(dead_letter_id=LETTER)
    given(aside).when(retry).then(work.DeadLetterRetried(dead_letter_id=LETTER))
    given(aside).when(resolve).then(resolved)
    for command in (retry, resolve):
        given(aside, resolved).when(command).refused(NotAllowed)
        given().when(command).refused(DoesNotExist)
