"""The means of work: connectors, tools, capabilities, templates and schemas of documents."""

from __future__ import annotations

from typing import Any, Final

from eventstore.seed.crew import agent
from eventstore.seed.story import Story
from eventstore.vocabulary.work import (
    CapabilityDefined,
    CapabilityGranted,
    CapabilityRevoked,
    CapabilityScopesChanged,
    ConnectorConfigured,
    ConnectorHealthChecked,
    ConnectorRegistered,
    ConnectorStatus,
    ConnectorStatusChanged,
    ConnectorType,
    SchemaActivated,
    SchemaPublished,
    SchemaRetired,
    ToolRegistered,
    WorkflowTemplatePublished,
)

__all__ = ["means", "new_means"]

_CONNECTORS: Final[dict[str, ConnectorType]] = {
    "mail": "EMAIL",
    "chat": "SLACK",
    "ledger": "DATABASE",
    "tracker": "API",
}
_CAPABILITIES: Final = {"read": ["ledger:read"], "write": ["ledger:write"], "send": ["mail:send"]}
_DOCUMENT: Final = "EXPENSE_FORM"
_OBJECT: Final = {"type": "object"}


def means(story: Story) -> None:
    """What is there before the first order."""
    for name, kind in _CONNECTORS.items():
        _connector(story, name, kind)
    for name, scopes in _CAPABILITIES.items():
        capability = story.world.id(f"capability {name}")
        defined = CapabilityDefined(
            capability_id=capability, name=story.world.named(name), scopes=scopes
        )
        _say(story, f"capability-{capability}", defined)
    _tool(story, 1, ("read", "send"))
    _template(story, 1)
    _schema(story, 1)


def new_means(story: Story) -> None:
    """What changes with some of the orders; far enough apart not to meet itself."""
    every = story.number
    if every % 10 == 0:
        connector = story.world.id("connector mail")
        health = {"reachable": True, "latency_ms": story.number_in(2, 400)}
        checked = ConnectorHealthChecked(connector_id=connector, health=health)
        _say(story, f"connector-{connector}", checked)
    if every % 20 == 0:
        _out_of_order(story, story.one_of(list(_CONNECTORS)))
    if every % 25 == 0:
        _tool(story, 1 + every // 25, ("read", "write"))
    if every % 30 == 0:
        _template(story, 1 + every // 30)
    if every % 35 == 0:
        _schema(story, 1 + every // 35)
        capability = story.world.id("capability write")
        scopes = ["ledger:write", f"ledger:write:{every}"]
        changed = CapabilityScopesChanged(capability_id=capability, scopes=scopes)
        _say(story, f"capability-{capability}", changed)


def _connector(story: Story, name: str, kind: ConnectorType) -> None:
    connector = story.world.id(f"connector {name}")
    registered = ConnectorRegistered(
        connector_id=connector,
        name=story.world.named(name),
        type=kind,
        config={"host": f"{name}.example.com", "credential_ref": f"vault/{name}"},
    )
    _say(story, f"connector-{connector}", registered)
    _connector_moves(story, name, "INACTIVE", "ACTIVE")


def _out_of_order(story: Story, name: str) -> None:
    """A connector fails, is set up anew, and works again."""
    connector = story.world.id(f"connector {name}")
    _connector_moves(story, name, "ACTIVE", "ERROR", "It does not answer.")
    config = {"host": f"{name}-{story.number}.example.com", "credential_ref": f"vault/{name}"}
    configured = ConnectorConfigured(connector_id=connector, config=config)
    _say(story, f"connector-{connector}", configured)
    _connector_moves(story, name, "ERROR", "ACTIVE")


def _connector_moves(
    story: Story,
    name: str,
    before: ConnectorStatus,
    after: ConnectorStatus,
    reason: str | None = None,
) -> None:
    connector = story.world.id(f"connector {name}")
    moved = ConnectorStatusChanged(
        connector_id=connector, from_status=before, to_status=after, reason=reason
    )
    _say(story, f"connector-{connector}", moved)


def _tool(story: Story, number: int, capabilities: tuple[str, ...]) -> None:
    """A version of a tool, with capabilities of which the newer ones lose one again."""
    tool = story.world.id(f"tool {number}")
    text = {"type": "string", "maxLength": 200}
    registered = ToolRegistered(
        tool_id=tool,
        connector_id=story.world.id("connector ledger"),
        name="look-up",
        version=f"1.{number}",
        input_schema=_OBJECT | {"properties": {"invoice_no": text}, "required": ["invoice_no"]},
        output_schema=_OBJECT | {"properties": {"total": {"type": "number"}}},
    )
    _say(story, f"tool-{tool}", registered)
    for name in capabilities:
        about = {"tool_id": tool, "capability_id": story.world.id(f"capability {name}")}
        _say(story, f"tool-{tool}", CapabilityGranted(**about))
        if name == "write":
            reason = "It is only to be looked up."
            _say(story, f"tool-{tool}", CapabilityRevoked(**about, reason=reason))


def _template(story: Story, number: int) -> None:
    template = story.world.id(f"workflow template {number}")
    published = WorkflowTemplatePublished(
        workflow_template_id=template,
        name=story.world.named("from order to approval"),
        template_version=number,
        definition={
            "steps": ["queue", "assign", "attempt", "evaluate", "approve"][: 3 + number % 3]
        },
    )
    _say(story, f"workflow_template-{template}", published)


def _schema(story: Story, number: int) -> None:
    """One more schema of a type of documents, which takes the place of the one before."""
    schema = story.world.id(f"schema {number}")
    document = story.world.named(_DOCUMENT)
    properties: dict[str, Any] = {f"field_{n}": {"type": "string"} for n in range(number % 9 + 1)}
    published = SchemaPublished(
        schema_id=schema,
        document_type=document,
        document_version=number,
        json_schema=_OBJECT | {"properties": properties},
    )
    stream = f"schema-{document}"
    _say(story, stream, published)
    if number > 1:
        before = story.world.id(f"schema {number - 1}")
        _say(story, stream, SchemaRetired(schema_id=before, document_type=document))
    _say(story, stream, SchemaActivated(schema_id=schema, document_type=document))


def _say(story: Story, stream_id: str, event: Any) -> None:
    story.say(stream_id, event, agent=agent("planner", story.number), after=45)
