"""What people ask about projects, how they are changed, and what they are made from."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from eventstore.connection.queries import load
from eventstore.vocabulary.projects import (
    Complexity,
    ModificationStatus,
    ProjectStatus,
    TemplateCategory,
)
from projections.projects.answers import (
    ModificationFound,
    ModificationShown,
    ProjectFound,
    ProjectWithParts,
    TemplateFound,
    TemplateShown,
)
from projections.questions import Questions

__all__ = ["ProjectQueries"]

PARTS: Final = 50
"""Of each kind of parts that come with a thing, that many at most."""


class ProjectQueries(Questions, sql=load("projections.projects", "queries.sql")):
    """What people ask. A page of a list goes on after the last answer of the one before."""

    def project(self, project_id: UUID) -> ProjectWithParts | None:
        """A project, and its newest modifications."""
        return self._one(ProjectWithParts, "project", project_id=project_id, parts=PARTS)

    def of_owner(
        self,
        owner_id: str,
        status: ProjectStatus = "active",
        *,
        after: UUID | None = None,
        limit: int = 50,
    ) -> list[ProjectFound]:
        """The projects of an owner in a status, by id."""
        return self._many(
            ProjectFound, "of_owner", owner_id=owner_id, status=status, after=after, limit=limit
        )

    def low_scores(
        self, highest: float, *, after: ProjectFound | None = None, limit: int = 50
    ) -> list[ProjectFound]:
        """The active projects of which a score is at most `highest` (0 to 100), the lowest first.

        The scores are test coverage, security and performance.
        """
        return self._many(
            ProjectFound,
            "low_scores",
            highest=highest,
            after_score=after and after.lowest_score,
            after_id=after and after.id,
            limit=limit,
        )

    def depending_on(
        self, dependency: str, *, after: UUID | None = None, limit: int = 50
    ) -> list[ProjectFound]:
        """The active projects with exactly this dependency, by id."""
        return self._many(
            ProjectFound, "depending_on", dependency=dependency, after=after, limit=limit
        )

    def having_file(
        self, path: str, *, after: UUID | None = None, limit: int = 50
    ) -> list[ProjectFound]:
        """The active projects that have a file of this path, by id."""
        return self._many(ProjectFound, "having_file", path=path, after=after, limit=limit)

    def having_variable(
        self, variable: str, *, after: UUID | None = None, limit: int = 50
    ) -> list[ProjectFound]:
        """The active projects that have an environment variable of this name, by id."""
        return self._many(
            ProjectFound, "having_variable", variable=variable, after=after, limit=limit
        )

    def modification(self, modification_id: UUID) -> ModificationShown | None:
        """A modification, from its request to what became of it."""
        return self._one(ModificationShown, "modification", modification_id=modification_id)

    def modifications_of(
        self, project_id: UUID, *, before: ModificationFound | None = None, limit: int = 50
    ) -> list[ModificationFound]:
        """The modifications of a project, the newest first."""
        return self._many(
            ModificationFound,
            "modifications_of",
            project_id=project_id,
            before_requested=before and before.requested_at,
            before_id=before and before.id,
            limit=limit,
        )

    def modifications(
        self,
        status: ModificationStatus = "pending",
        *,
        after: ModificationFound | None = None,
        limit: int = 50,
    ) -> list[ModificationFound]:
        """The modifications in a status, of all projects, the oldest first."""
        return self._many(
            ModificationFound,
            "modifications",
            status=status,
            after_requested=after and after.requested_at,
            after_id=after and after.id,
            limit=limit,
        )

    def modifying(
        self, path: str, *, after: UUID | None = None, limit: int = 50
    ) -> list[ModificationFound]:
        """The modifications that changed a file of this path, in any project, by id."""
        return self._many(ModificationFound, "modifying", path=path, after=after, limit=limit)

    def template(self, template_id: UUID) -> TemplateShown | None:
        """A template with its files."""
        return self._one(TemplateShown, "template", template_id=template_id)

    def templates_of_category(
        self,
        category: TemplateCategory,
        complexity: Complexity,
        *,
        after: UUID | None = None,
        limit: int = 50,
    ) -> list[TemplateFound]:
        """The templates of a category that are so complex, by id."""
        return self._many(
            TemplateFound,
            "templates_of_category",
            category=category,
            complexity=complexity,
            after=after,
            limit=limit,
        )

    def templates_with_tech(
        self, tech: str, *, after: UUID | None = None, limit: int = 50
    ) -> list[TemplateFound]:
        """The templates that are made with a technology, by id."""
        return self._many(TemplateFound, "templates_with_tech", tech=tech, after=after, limit=limit)

    def templates_tagged(
        self, tag: str, *, after: UUID | None = None, limit: int = 50
    ) -> list[TemplateFound]:
        """The templates that have a tag, by id."""
        return self._many(TemplateFound, "templates_tagged", tag=tag, after=after, limit=limit)
