"""The projects context: code projects, the changes asked of them, and templates for new ones."""

from projections.projects.projection import Projects
from projections.projects.rows import Modification, ProjectContext, Template

__all__ = ["Modification", "ProjectContext", "Projects", "Template"]
