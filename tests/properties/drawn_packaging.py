"""The events of packaging, for stories."""

from __future__ import annotations

from hypothesis import strategies as st

from eventstore import Event
from eventstore.vocabulary import packaging
from tests.properties.drawn import agents, ids, moves, objects, packages, scalars, texts

installers = ids(2, 3)
scripts, policies, manuals, knowledge = ids(10, 3), ids(11, 2), ids(12, 2), ids(13, 3)

EVENTS: tuple[st.SearchStrategy[Event], ...] = (
    st.builds(
        packaging.PackageRegistered,
        package_id=packages,
        name=st.sampled_from(["x", "y"]),
        version=st.just("1"),
        publisher=st.just("acme"),
        metadata=objects,
        tags=st.lists(texts, max_size=2),
    ),
    moves(packaging.PackageStatusChanged, packaging.PACKAGE_MOVES, package_id=packages),
    st.builds(
        packaging.PackageDetailsChanged,
        package_id=packages,
        description=st.none() | texts,
        metadata=objects,
        tags=st.lists(texts, max_size=2),
    ),
    st.builds(
        packaging.InstallerAdded,
        installer_id=installers,
        package_id=packages,
        filename=st.just("setup.exe"),
        file_path=texts,
        file_type=st.just("exe"),
        size_bytes=st.integers(0, 2**63 - 1),
        sha256=st.just("ab" * 32),
        analysis_data=objects,
    ),
    st.builds(
        packaging.ScriptGenerated, script_id=scripts, package_id=packages, script_content=texts
    ),
    st.builds(
        packaging.ScriptRevised, script_id=scripts, package_id=packages, script_content=texts
    ),
    st.builds(
        packaging.PolicyCreated,
        policy_id=policies,
        package_id=packages,
        policy_xml=texts,
        policy_rules=objects,
    ),
    st.builds(
        packaging.PolicyTested, policy_id=policies, package_id=packages, passed=st.booleans()
    ),
    st.builds(
        packaging.DocumentationWritten,
        documentation_id=manuals,
        package_id=packages,
        content=texts,
        sections=objects,
    ),
    st.builds(
        packaging.DocumentationRevised, documentation_id=manuals, package_id=packages, content=texts
    ),
    st.builds(
        packaging.KnowledgeItemAdded,
        knowledge_item_id=knowledge,
        title=st.just("t"),
        content=texts,
        source_package_id=st.none() | packages,
    ),
    st.builds(
        packaging.KnowledgeItemChanged,
        knowledge_item_id=knowledge,
        title=st.just("t"),
        content=texts,
    ),
    st.builds(packaging.KnowledgeItemRemoved, knowledge_item_id=knowledge),
    st.builds(
        packaging.SystemConfigChanged,
        key=st.sampled_from(["a", "b"]),
        value=scalars.filter(lambda value: value is not None) | objects,
        updated_by=agents,
    ),
    st.builds(
        packaging.AgentStateChanged,
        agent_name=agents,
        state=st.sampled_from(["idle", "working"]),
        current_package_id=st.none() | packages,
    ),
    st.builds(packaging.PackageDeleted, package_id=packages),
    st.builds(packaging.PackageRestored, package_id=packages),
)
