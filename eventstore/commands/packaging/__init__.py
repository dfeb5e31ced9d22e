"""What can be asked of packaging: of packages, their parts, the team and what it knows."""

from eventstore.commands.packaging.knowledge import (
    AddKnowledgeItem,
    ChangeKnowledgeItem,
    RemoveKnowledgeItem,
)
from eventstore.commands.packaging.packages import (
    ChangePackageDetails,
    DeletePackage,
    MovePackage,
    RegisterPackage,
    RestorePackage,
    package_stream,
)
from eventstore.commands.packaging.parts import (
    AddInstaller,
    CreatePolicy,
    GenerateScript,
    RecordInstallerAnalysis,
    RecordPolicyTest,
    ReviseDocumentation,
    ReviseScript,
    WriteDocumentation,
)
from eventstore.commands.packaging.team import ChangeSystemConfig, ReportAgentState

__all__ = [
    "AddInstaller",
    "AddKnowledgeItem",
    "ChangeKnowledgeItem",
    "ChangePackageDetails",
    "ChangeSystemConfig",
    "CreatePolicy",
    "DeletePackage",
    "GenerateScript",
    "MovePackage",
    "RecordInstallerAnalysis",
    "RecordPolicyTest",
    "RegisterPackage",
    "RemoveKnowledgeItem",
    "ReportAgentState",
    "RestorePackage",
    "ReviseDocumentation",
    "ReviseScript",
    "WriteDocumentation",
    "package_stream",
]
