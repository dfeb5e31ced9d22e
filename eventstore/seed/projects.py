"""Code projects: made from templates, changed on request, measured and deployed."""

from __future__ import annotations

from base64 import b64encode
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from eventstore.event import Event
from eventstore.seed import words
from eventstore.seed.crew import agent, user_id
from eventstore.seed.story import Story
from eventstore.vocabulary.projects import (
    CodebaseChanged,
    DependenciesChanged,
    DeploymentConfigChanged,
    EnvironmentChanged,
    ModificationAnalyzed,
    ModificationApplied,
    ModificationApproved,
    ModificationFailed,
    ModificationRejected,
    ModificationRequested,
    ProjectArchived,
    ProjectCreated,
    ProjectDeleted,
    ProjectDeployed,
    ProjectDetailsChanged,
    ProjectOwnerChanged,
    ProjectRestored,
    QualityMeasured,
    TemplateChanged,
    TemplateCreated,
    TemplateRemoved,
)
from eventstore.vocabulary.secrets import Sealed

__all__ = ["prologue", "story"]

_KINDS: Final = ("api", "web_app", "mobile_app", "cli", "service")
_LIBRARIES: Final = ("fastapi>=0.115", "sqlalchemy>=2", "pydantic>=2.12", "httpx>=0.28", "rich>=13")
_FILES: Final = ("app/main.py", "app/models.py", "app/routes.py", "tests/test_main.py", "README.md")
_TEMPLATES: Final[tuple[dict[str, Any], ...]] = (
    {"category": "api", "tech_stack": ["python", "postgresql"], "complexity": "simple"},
    {"category": "web", "tech_stack": ["typescript", "react"], "complexity": "medium"},
    {"category": "data", "tech_stack": ["python", "duckdb"], "complexity": "complex"},
)


def prologue(story: Story) -> None:
    """The templates that projects are made from, and one that is given up."""
    for number, kind in enumerate(_TEMPLATES):
        _template(story, number, kind, TemplateCreated)
    _template(story, len(_TEMPLATES), _TEMPLATES[0] | {"category": "mobile"}, TemplateCreated)
    _template(story, 0, _TEMPLATES[0], TemplateChanged)
    gone = story.world.id(f"template {len(_TEMPLATES)}")
    removed = TemplateRemoved(template_id=gone, reason="Nobody uses it.")
    story.say(f"template-{gone}", removed, agent="planner-1")


def story(story: Story) -> None:
    """One project, from its beginning to where it is now."""
    _Project(story).told()


def _template(
    story: Story,
    number: int,
    kind: dict[str, Any],
    event: type[TemplateCreated] | type[TemplateChanged],
) -> None:
    template = story.world.id(f"template {number}")
    described = event(
        **kind,
        template_id=template,
        name=f"{kind['category']} service",
        description=words.paragraph(story, "code", 2),
        files={"README.md": words.sentence(story, "code"), "app/main.py": "print('hello')\n"},
        required_vars=["SERVICE_NAME"],
        optional_vars=["LOG_LEVEL"],
        tags=story.some_of(("starter", "internal", "reviewed"), 1, 2),
        estimated_setup_time=story.number_in(5, 90),
    )
    story.say(f"template-{template}", described, agent="planner-1")


class _Project:
    """A project and the changes of it, while its story is told."""

    def __init__(self, story: Story) -> None:
        self.story = story
        self.id = story.world.id(f"project {story.number}")
        self.name = f"{words.product(story).lower().replace(' ', '-')}-{story.number}"
        self.developer = agent("developer", story.number)

    def told(self) -> None:
        story = self.story
        kind, owner = story.one_of(_KINDS), user_id(story.world, story.number % 8)
        self.say(
            ProjectCreated(
                project_id=self.id,
                name=self.name,
                type=kind,
                owner_id=owner,
                codebase={path: self.content(path, 0) for path in _FILES[:3]},
                dependencies=list(_LIBRARIES[:2]),
                environment_vars={"LOG_LEVEL": "info"},
                deployment_config={"replicas": 1},
                template_id=story.world.id(f"template {story.number % len(_TEMPLATES)}"),
            )
        )
        for which in range(story.number_in(1, 5)):
            self.changed_on_request(which, owner)
            self.measured()
            self.now_and_then(which, kind)
            if story.chance(0.5):
                revision = f"r{which + 1}"
                environment = story.one_of(("staging", "production"))
                self.say(
                    ProjectDeployed(project_id=self.id, environment=environment, revision=revision)
                )
        self.rests()

    def changed_on_request(self, which: int, owner: str) -> None:
        story, modification = self.story, self.story.id(f"modification {which}")
        stream, paths = f"modification-{modification}", story.some_of(_FILES, 1, 2)
        about: dict[str, Any] = {"modification_id": modification}
        analysis = {"risk": story.one_of(("low", "medium", "high")), "files": len(paths)}
        self.say(
            ModificationRequested(
                **about,
                project_id=self.id,
                request=words.sentence(story, "code"),
                requested_by=owner,
                affected_files=paths[:1],
            ),
            stream=stream,
            after=9_000,
        )
        self.say(
            ModificationAnalyzed(**about, impact_analysis=analysis, affected_files=paths),
            stream=stream,
        )
        reason = words.sentence(story, "code")
        if story.chance(0.05):
            return  # it is pending still
        if story.chance(0.12):
            self.say(ModificationRejected(**about, reason=reason), stream=stream, after=4_000)
            return
        self.say(ModificationApproved(**about), stream=stream, after=4_000)
        about["project_id"] = self.id
        tests: dict[str, Any] = {"passed": story.number_in(20, 300), "failed": 0}
        if story.chance(0.85):
            files: dict[str, str | None] = {path: self.content(path, which + 1) for path in paths}
            applied = ModificationApplied(**about, modified_files=files, test_results=tests)
            self.say(applied, stream=stream, after=1_500)
        else:
            failed = ModificationFailed(
                **about, reason=reason, test_results=tests | {"failed": story.number_in(1, 9)}
            )
            self.say(failed, stream=stream, after=1_500)

    def measured(self) -> None:
        self.say(
            QualityMeasured(
                project_id=self.id,
                test_coverage=self.score(40, 99),
                security_score=self.score(60, 100) if self.story.chance(0.5) else None,
                performance_score=self.score(50, 100) if self.story.chance(0.5) else None,
            )
        )

    def now_and_then(self, which: int, kind: str) -> None:
        story, about = self.story, {"project_id": self.id}
        if story.chance(0.1):
            changes = {_FILES[3]: self.content(_FILES[3], which), _FILES[1]: None}
            self.say(CodebaseChanged(**about, changed_files=changes))
        if story.chance(0.2):
            self.say(DependenciesChanged(**about, dependencies=story.some_of(_LIBRARIES, 2, 5)))
        if story.chance(0.15):
            sealed = Sealed(ciphertext=_sealed(story, which), key_id="local-1")
            variables: dict[str, str | Sealed] = {"LOG_LEVEL": "debug", "API_KEY": sealed}
            self.say(EnvironmentChanged(**about, environment_vars=variables))
        if story.chance(0.15):
            config = {"replicas": story.number_in(1, 6), "region": "eu-west"}
            self.say(DeploymentConfigChanged(**about, deployment_config=config))
        if story.chance(0.05):
            self.say(ProjectDetailsChanged(**about, name=f"{self.name}-next", type=kind))
        if story.chance(0.05):
            self.say(
                ProjectOwnerChanged(**about, owner_id=user_id(story.world, story.number_in(0, 7)))
            )

    def rests(self) -> None:
        story = self.story
        about: dict[str, Any] = {"project_id": self.id, "reason": "It is done."}
        if story.number % 6 == 2:
            self.say(ProjectArchived(**about), after=20_000)
        elif story.number % 12 == 4:
            self.say(ProjectDeleted(**about), after=20_000)
        else:
            return
        if story.chance(0.5):
            self.say(ProjectRestored(project_id=self.id, reason="It is needed."), after=20_000)

    def content(self, path: str, version: int) -> str:
        """A short file, or the hash of one that is large."""
        if path.endswith(".py"):
            return f"# {words.sentence(self.story, 'code')}\nVERSION = {version}\n"
        return f"sha256:{self.story.digest(f'{path} {version}')}"

    def score(self, low: float, high: float) -> Decimal:
        return Decimal(f"{self.story.share_in(low, high):.1f}")

    def say(self, event: Event, *, stream: str | None = None, after: float = 300) -> UUID:
        return self.story.say(
            stream or f"project-{self.id}", event, agent=self.developer, after=after
        )


def _sealed(story: Story, which: int) -> str:
    """What an encrypted secret looks like; it can be opened by nobody."""
    return b64encode(bytes.fromhex(story.digest(f"secret {which}"))).decode()
