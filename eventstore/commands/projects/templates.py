"""Templates, which projects can be made from until they are removed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Annotated, Self
from uuid import UUID

from pydantic import Field

from eventstore.command import Command, State
from eventstore.commands.event_of import event_of
from eventstore.event import Event
from eventstore.refusals import AlreadyExists, DoesNotExist
from eventstore.vocabulary.fields import Name
from eventstore.vocabulary.projects import (
    Complexity,
    Files,
    Label,
    TemplateCategory,
    TemplateChanged,
    TemplateCreated,
    TemplateRemoved,
)

__all__ = ["ChangeTemplate", "CreateTemplate", "RemoveTemplate", "Template", "template"]


@dataclass(frozen=True, slots=True)
class Template:
    """Whether there is such a template."""

    exists: bool = False
    removed: bool = False

    def after(self, event: Event) -> Self:
        if isinstance(event, TemplateCreated):
            return replace(self, exists=True)
        return replace(self, removed=True) if isinstance(event, TemplateRemoved) else self

    def require(self, template_id: UUID) -> None:
        """Raises DoesNotExist unless projects can be made from it."""
        if not self.exists or self.removed:
            raise DoesNotExist("template", template_id)


def template(template_id: UUID) -> dict[str, State]:
    """The stream of a template."""
    return {f"template-{template_id}": Template()}


class _OfTemplate(Command):
    template_id: UUID

    def reads(self) -> dict[str, State]:
        return template(self.template_id)


class _Description(_OfTemplate):
    name: Name
    description: str
    category: TemplateCategory
    files: Files = Field(default_factory=dict)
    required_vars: list[Label] = Field(default_factory=list)
    """Variables that a project made from it has to fill in."""
    optional_vars: list[Label] = Field(default_factory=list)
    tech_stack: list[Label] = Field(default_factory=list)
    tags: list[Label] = Field(default_factory=list)
    estimated_setup_time: Annotated[int, Field(ge=0, le=2**31 - 1)]
    """Minutes until a project made from it runs."""
    complexity: Complexity


class CreateTemplate(_Description):
    """Makes a template. The id of one that was removed is not used again."""

    def decide(self, template: Template) -> Event:
        if template.exists:
            raise AlreadyExists("template", self.template_id)
        return event_of(TemplateCreated, self)


class ChangeTemplate(_Description):
    """Says anew all that the template is; projects made from it stay as they are."""

    def decide(self, template: Template) -> Event:
        template.require(self.template_id)
        return event_of(TemplateChanged, self)


class RemoveTemplate(_OfTemplate):
    """Lets no project be made from it any more."""

    reason: str | None = None

    def decide(self, template: Template) -> Event:
        template.require(self.template_id)
        return event_of(TemplateRemoved, self)
