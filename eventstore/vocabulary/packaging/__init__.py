"""What happens to packages: registered, analysed, scripted, put under a policy, tested, approved.

Beside the packages: what the team has learned from them, how it is set up, what its agents are at.
"""

from eventstore.vocabulary.packaging.embeddings import (
    DocumentationEmbedded,
    KnowledgeItemEmbedded,
)
from eventstore.vocabulary.packaging.knowledge import (
    KnowledgeItemAdded,
    KnowledgeItemChanged,
    KnowledgeItemRemoved,
)
from eventstore.vocabulary.packaging.packages import (
    PACKAGE_MOVES,
    PackageDeleted,
    PackageDetailsChanged,
    PackageRegistered,
    PackageRestored,
    PackageStatus,
    PackageStatusChanged,
)
from eventstore.vocabulary.packaging.parts import (
    DocumentationRevised,
    DocumentationWritten,
    InstallerAdded,
    InstallerAnalyzed,
    PolicyCreated,
    PolicyTested,
    ScriptGenerated,
    ScriptRevised,
)
from eventstore.vocabulary.packaging.team import (
    AgentActivity,
    AgentStateChanged,
    SystemConfigChanged,
)

__all__ = [
    "PACKAGE_MOVES",
    "AgentActivity",
    "AgentStateChanged",
    "DocumentationEmbedded",
    "DocumentationRevised",
    "DocumentationWritten",
    "InstallerAdded",
    "InstallerAnalyzed",
    "KnowledgeItemAdded",
    "KnowledgeItemChanged",
    "KnowledgeItemEmbedded",
    "KnowledgeItemRemoved",
    "PackageDeleted",
    "PackageDetailsChanged",
    "PackageRegistered",
    "PackageRestored",
    "PackageStatus",
    "PackageStatusChanged",
    "PolicyCreated",
    "PolicyTested",
    "ScriptGenerated",
    "ScriptRevised",
    "SystemConfigChanged",
]
