"""The packaging context: packages with all their parts and moves, and the team around them."""

from projections.packaging.projection import Packaging
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

__all__ = [
    "AgentState",
    "Documentation",
    "Installer",
    "KnowledgeItem",
    "Package",
    "Packaging",
    "PackagingV1",
    "ProcessHistory",
    "PsadtScript",
    "PsadtScriptVersion",
    "SystemConfig",
    "SystemConfigHistory",
    "WdacPolicy",
]
