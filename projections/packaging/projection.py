"""How the tables of packaging follow from its events."""

from __future__ import annotations

from eventstore import RecordedEvent
from eventstore.vocabulary.packaging import (
    AgentStateChanged,
    DocumentationEmbedded,
    DocumentationRevised,
    DocumentationWritten,
    KnowledgeItemAdded,
    KnowledgeItemChanged,
    KnowledgeItemEmbedded,
    KnowledgeItemRemoved,
    PolicyCreated,
    PolicyTested,
    ScriptGenerated,
    ScriptRevised,
    SystemConfigChanged,
)
from projections.embedding import take_embedding
from projections.errors import Contradiction
from projections.packaging.projection_v1 import PackagingV1
from projections.packaging.rows import (
    AgentState,
    Documentation,
    Installer,
    KnowledgeItem,
    Package,
    ProcessHistory,
    PsadtScript,
    PsadtScriptVersion,
    SystemConfig,
    SystemConfigHistory,
    WdacPolicy,
)
from projections.projection import Rows, on

__all__ = ["Packaging"]


class Packaging(
    PackagingV1,
    name="packaging",
    version=2,
    tables=(
        Package,
        Installer,
        PsadtScript,
        PsadtScriptVersion,
        WdacPolicy,
        Documentation,
        ProcessHistory,
        KnowledgeItem,
        SystemConfig,
        SystemConfigHistory,
        AgentState,
    ),
    shard_by="package_id",
):
    """Packages with all their parts and moves; what the team knows, is set to, and is at.

    What is about no package has no package_id, and so is in the first shard. Whether a package that
    it mentions is there, only the foreign key knows: it may be another shard's.
    """

    @on(ScriptGenerated)
    def script_generated(self, event: ScriptGenerated, recorded: RecordedEvent, rows: Rows) -> None:
        rows.get(Package).psadt_script_id = event.script_id
        script = PsadtScript(
            id=event.script_id,
            package_id=event.package_id,
            script_content=event.script_content,
            parameters=event.parameters,
        )
        rows.add(script)
        rows.add(_version(script, None, recorded))

    @on(ScriptRevised)
    def script_revised(self, event: ScriptRevised, recorded: RecordedEvent, rows: Rows) -> None:
        script = rows.get(PsadtScript)
        _check_package(script, event)
        script.script_content = event.script_content
        script.parameters = event.parameters
        script.script_version += 1
        rows.add(_version(script, event.reason, recorded))

    @on(PolicyCreated)
    def policy_created(self, event: PolicyCreated, recorded: RecordedEvent, rows: Rows) -> None:
        rows.get(Package).wdac_policy_id = event.policy_id
        rows.add(
            WdacPolicy(
                id=event.policy_id,
                package_id=event.package_id,
                policy_xml=event.policy_xml,
                policy_rules=event.policy_rules,
            )
        )

    @on(PolicyTested)
    def policy_tested(self, event: PolicyTested, recorded: RecordedEvent, rows: Rows) -> None:
        policy = rows.get(WdacPolicy)
        _check_package(policy, event)
        policy.test_results = event.test_results
        policy.test_passed = event.passed

    @on(DocumentationWritten)
    def documentation_written(
        self, event: DocumentationWritten, recorded: RecordedEvent, rows: Rows
    ) -> None:
        rows.get(Package).documentation_id = event.documentation_id
        rows.add(
            Documentation(
                id=event.documentation_id,
                package_id=event.package_id,
                content=event.content,
                sections=event.sections,
            )
        )

    @on(DocumentationRevised)
    def documentation_revised(
        self, event: DocumentationRevised, recorded: RecordedEvent, rows: Rows
    ) -> None:
        documentation = rows.get(Documentation)
        _check_package(documentation, event)
        if documentation.content != event.content:  # what it meant is out of date
            documentation.embedding = documentation.embedding_model = None
        documentation.content = event.content
        documentation.sections = event.sections

    @on(DocumentationEmbedded)
    def documentation_embedded(
        self, event: DocumentationEmbedded, recorded: RecordedEvent, rows: Rows
    ) -> None:
        take_embedding(Documentation, event, rows)

    @on(KnowledgeItemAdded)
    def knowledge_added(
        self, event: KnowledgeItemAdded, recorded: RecordedEvent, rows: Rows
    ) -> None:
        rows.add(
            KnowledgeItem(
                id=event.knowledge_item_id,
                title=event.title,
                content=event.content,
                source_package_id=event.source_package_id,
            )
        )

    @on(KnowledgeItemChanged)
    def knowledge_changed(
        self, event: KnowledgeItemChanged, recorded: RecordedEvent, rows: Rows
    ) -> None:
        item = rows.get(KnowledgeItem)
        if (item.title, item.content) != (event.title, event.content):
            item.embedding = item.embedding_model = None
        item.title = event.title
        item.content = event.content
        item.source_package_id = event.source_package_id

    @on(KnowledgeItemRemoved)
    def knowledge_removed(
        self, event: KnowledgeItemRemoved, recorded: RecordedEvent, rows: Rows
    ) -> None:
        rows.remove(KnowledgeItem)

    @on(KnowledgeItemEmbedded)
    def knowledge_embedded(
        self, event: KnowledgeItemEmbedded, recorded: RecordedEvent, rows: Rows
    ) -> None:
        take_embedding(KnowledgeItem, event, rows)

    @on(SystemConfigChanged)
    def config_changed(
        self, event: SystemConfigChanged, recorded: RecordedEvent, rows: Rows
    ) -> None:
        setting = rows.find(SystemConfig)
        if setting is None:
            setting = SystemConfig(key=event.key, value=event.value, updated_by=event.updated_by)
            rows.add(setting)
        else:
            setting.value = event.value
            setting.revision += 1
            setting.updated_by = event.updated_by
        rows.add(
            SystemConfigHistory(
                event_id=recorded.event_id,
                key=setting.key,
                value=setting.value,
                revision=setting.revision,
                updated_by=setting.updated_by,
                reason=event.reason,
            )
        )

    @on(AgentStateChanged)
    def agent_state_changed(
        self, event: AgentStateChanged, recorded: RecordedEvent, rows: Rows
    ) -> None:
        agent = rows.find(AgentState)
        if agent is None:
            rows.add(
                AgentState(
                    agent_name=event.agent_name,
                    state=event.state,
                    current_package_id=event.current_package_id,
                    last_seen_at=recorded.occurred_at,
                )
            )
            return
        agent.state = event.state
        agent.current_package_id = event.current_package_id
        agent.last_seen_at = recorded.occurred_at


def _version(
    script: PsadtScript, reason: str | None, recorded: RecordedEvent
) -> PsadtScriptVersion:
    return PsadtScriptVersion(
        event_id=recorded.event_id,
        script_id=script.id,
        script_version=script.script_version,
        script_content=script.script_content,
        parameters=script.parameters,
        agent=recorded.agent,
        reason=reason,
    )


def _check_package(
    part: PsadtScript | WdacPolicy | Documentation,
    event: ScriptRevised | PolicyTested | DocumentationRevised,
) -> None:
    """Raises Contradiction when the part is another package's."""
    if part.package_id != event.package_id:
        raise Contradiction(part.TABLE, part.id, "package_id", part.package_id, event.package_id)
