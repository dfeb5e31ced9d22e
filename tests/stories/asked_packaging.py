"""Commands of packaging, in an order in which each is granted; they lead to every event."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from eventstore import Command
from eventstore.commands import packaging as asked

__all__ = ["STORY"]

PACKAGE, INSTALLER, SCRIPT, POLICY, MANUAL, KNOWN = (UUID(int=n) for n in range(1, 7))
OF: dict[str, Any] = {"package_id": PACKAGE}
LEARNED: dict[str, Any] = {"knowledge_item_id": KNOWN, "title": "t", "source_package_id": PACKAGE}

STORY: list[Command] = [
    asked.RegisterPackage(**OF, name="pip", version="26.0", publisher="pypa"),
    asked.ChangePackageDetails(**OF, description="d", metadata={"n": 1}, tags=["tool"]),
    asked.MovePackage(**OF, to_status="analyzing"),
    asked.AddInstaller(
        **OF,
        installer_id=INSTALLER,
        filename="pip.whl",
        file_path="/pip.whl",
        file_type="whl",
        size_bytes=7,
        sha256="0" * 64,
    ),
    asked.RecordInstallerAnalysis(**OF, installer_id=INSTALLER, analysis_data={"silent": "/S"}),
    asked.GenerateScript(**OF, script_id=SCRIPT, script_content="x"),
    asked.ReviseScript(**OF, script_id=SCRIPT, script_content="y"),
    asked.CreatePolicy(**OF, policy_id=POLICY, policy_xml="<p/>"),
    asked.RecordPolicyTest(**OF, policy_id=POLICY, passed=True),
    asked.WriteDocumentation(**OF, documentation_id=MANUAL, content="x"),
    asked.ReviseDocumentation(**OF, documentation_id=MANUAL, content="y"),
    asked.ReportAgentState(agent_name="ann", state="working", current_package_id=PACKAGE),
    asked.AddKnowledgeItem(**LEARNED, content="x"),
    asked.ChangeKnowledgeItem(**LEARNED, content="y"),
    asked.RemoveKnowledgeItem(knowledge_item_id=KNOWN),
    asked.ChangeSystemConfig(key="k", value=1, updated_by="ann", from_revision=0),
    asked.ChangeSystemConfig(key="k", value=[2], updated_by="bob", from_revision=1),
    asked.DeletePackage(**OF),
    asked.RestorePackage(**OF),
]
