"""Commands of packaging, in an order in which each is granted; they lead to every event."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from eventstore import Command
from eventstore.commands import packaging as asked

__all__ = ["STORY"]

ONE, TWO = UUID(int=1), UUID(int=2)
"""The ids of the first things of each kind, so that random wishes meet them."""
OF: dict[str, Any] = {"package_id": ONE}
LEARNED: dict[str, Any] = {"knowledge_item_id": ONE, "title": "t", "source_package_id": ONE}

STORY: list[Command] = [
    asked.RegisterPackage(**OF, name="x", version="1", publisher="acme"),
    asked.RegisterPackage(package_id=TWO, name="y", version="1", publisher="acme"),
    asked.ChangePackageDetails(**OF, description="d", metadata={"n": 1}, tags=["tool"]),
    asked.MovePackage(**OF, to_status="analyzing"),
    asked.AddInstaller(
        **OF,
        installer_id=ONE,
        filename="pip.whl",
        file_path="/pip.whl",
        file_type="whl",
        size_bytes=7,
        sha256="0" * 64,
    ),
    asked.RecordInstallerAnalysis(**OF, installer_id=ONE, analysis_data={"silent": "/S"}),
    asked.GenerateScript(**OF, script_id=ONE, script_content="x"),
    asked.ReviseScript(**OF, script_id=ONE, script_content="y"),
    asked.CreatePolicy(**OF, policy_id=ONE, policy_xml="<p/>"),
    asked.RecordPolicyTest(**OF, policy_id=ONE, passed=True),
    asked.WriteDocumentation(**OF, documentation_id=ONE, content="x"),
    asked.ReviseDocumentation(**OF, documentation_id=ONE, content="y"),
    asked.ReportAgentState(agent_name="ann", state="working", current_package_id=ONE),
    asked.AddKnowledgeItem(**LEARNED, content="x"),
    asked.ChangeKnowledgeItem(**LEARNED, content="y"),
    asked.RemoveKnowledgeItem(knowledge_item_id=ONE),
    asked.ChangeSystemConfig(key="k", value=1, updated_by="ann", from_revision=0),
    asked.ChangeSystemConfig(key="k", value=[2], updated_by="bob", from_revision=1),
    asked.DeletePackage(**OF),
    asked.RestorePackage(**OF),
]
