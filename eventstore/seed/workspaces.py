"""Workspaces: who belongs to them, what is worked at there, and what is kept in step outside."""

from __future__ import annotations

from base64 import b64encode
from typing import Any, Final
from uuid import UUID

from eventstore.event import Event
from eventstore.seed import words
from eventstore.seed.crew import user_id
from eventstore.seed.people import registered, signed_in
from eventstore.seed.story import Story
from eventstore.seed.workspace_artifacts import artifact
from eventstore.vocabulary.secrets import Sealed
from eventstore.vocabulary.workspaces import (
    ConnectionChanged,
    ConnectionClosed,
    ConnectionCredentialsChanged,
    ConnectionOpened,
    ConnectionStatusChanged,
    IntegrationChanged,
    IntegrationConfigured,
    IntegrationCredentialsChanged,
    IntegrationStatusChanged,
    MemberAdded,
    MemberRemoved,
    MemberRoleChanged,
    PhaseAdded,
    PhaseRenamed,
    PhaseStatusChanged,
    WorkflowCreated,
    WorkflowRenamed,
    WorkflowStatusChanged,
    WorkspaceConfigChanged,
    WorkspaceCreated,
    WorkspaceDeleted,
    WorkspaceDetailsChanged,
    WorkspaceIntegrationAdded,
    WorkspaceIntegrationRemoved,
    WorkspaceIntegrationStatusChanged,
    WorkspaceOwnerChanged,
    WorkspaceRestored,
    WorkspaceServicesChanged,
    WorkspaceSettingsChanged,
)

__all__ = ["prologue", "story"]

_SERVICES: Final = ("github", "sharepoint", "ignis_platform")
_PHASES: Final = ("discover", "design", "build", "hand over")


def prologue(story: Story) -> None:
    """The first people, and the services that workspaces can be connected to."""
    for number in range(8):
        registered(story, number, "admin" if number < 2 else "packager")
    for service in _SERVICES:
        integration = story.world.id(f"integration {service}")
        about: dict[str, Any] = {"integration_id": integration}
        said: list[Event] = [
            IntegrationConfigured(
                **about,
                service_type=service,
                name=service.replace("_", " "),
                service_config={"host": f"{service}.example.com"},
                credentials=_sealed(story, service),
            ),
            IntegrationChanged(
                **about, name=service.title(), service_config={"host": f"{service}.example.org"}
            ),
            IntegrationCredentialsChanged(**about, credentials=_sealed(story, f"{service} anew")),
            IntegrationStatusChanged(**about, status="error", reason="It did not answer."),
            IntegrationStatusChanged(**about, status="active"),
        ]
        for event in said:
            story.say(f"integration-{integration}", event, agent=user_id(story.world, 0))


def story(story: Story) -> None:
    """One workspace: set up, worked in, and sometimes given up."""
    _Workspace(story).told()


def _sealed(story: Story, name: str) -> Sealed:
    """What encrypted credentials look like; they can be opened by nobody."""
    secret = bytes.fromhex(story.digest(f"secret {name}"))
    return Sealed(ciphertext=b64encode(secret).decode(), key_id="local-1")


class _Workspace:
    """A workspace, while its story is told."""

    def __init__(self, story: Story) -> None:
        self.story = story
        self.id = story.world.id(f"workspace {story.number}")
        self.owner = user_id(story.world, story.number % 8)
        self.about: dict[str, Any] = {"workspace_id": self.id}
        self.name = f"{words.product(story)} {story.number}"

    def told(self) -> None:
        story = self.story
        created = WorkspaceCreated(
            **self.about,
            name=self.name,
            description=words.sentence(story, "team"),
            owner_id=self.owner,
            github_repo_url=f"https://github.example.com/team/{story.number}.git",
            sharepoint_config={"site": f"team-{story.number}"},
        )
        self.say(created)
        self.settled_in()
        self.members()
        connections = self.connected()
        self.workflow()
        for which in range(story.number_in(1, 4)):
            signed_in(story, self.owner, self.id, which)
            artifact(story, self.id, self.owner, which, connections)
        self.disconnected(connections)
        if story.number % 16 == 2:
            self.say(WorkspaceDeleted(**self.about, reason="The work is done."), after=6_000)
            if story.number % 32 == 2:
                self.say(WorkspaceRestored(**self.about), after=6_000)

    def settled_in(self) -> None:
        """Configurations, settings, names and places."""
        story = self.story
        for number in range(1, story.number_in(1, 3) + 1):
            config = {"theme": story.one_of(("light", "dark")), "assistants": number}
            self.say(WorkspaceConfigChanged(**self.about, config_version=number, config=config))
        if story.chance(0.4):
            days = story.one_of((30, 60, 180, 365))
            settings = {"language": "en", "notify": story.chance(0.5)}
            self.say(
                WorkspaceSettingsChanged(**self.about, chat_history_days=days, settings=settings)
            )
        if story.chance(0.15):
            text = words.sentence(story, "team")
            self.say(WorkspaceDetailsChanged(**self.about, name=self.name, description=text))
        if story.chance(0.15):
            self.say(
                WorkspaceServicesChanged(
                    **self.about,
                    github_repo_url=f"https://github.example.com/moved/{story.number}.git",
                    sharepoint_config={"site": f"moved-{story.number}"},
                    ignis_config={"project": story.number},
                )
            )

    def members(self) -> None:
        """Some of those who are there, and somebody new."""
        story, number = self.story, 8 + self.story.number
        registered(story, number, "viewer")
        new = user_id(story.world, number)
        self.say(MemberAdded(**self.about, user_id=new, role="viewer"))
        other = user_id(story.world, (story.number + 1 + story.number_in(0, 5)) % 8)
        self.say(MemberAdded(**self.about, user_id=other, role="packager"))
        if story.chance(0.3):
            self.say(MemberRoleChanged(**self.about, user_id=new, role="approver"))
        if story.chance(0.1):
            self.say(MemberRemoved(**self.about, user_id=new, reason="On another team now."))
        if story.chance(0.05):
            self.say(WorkspaceOwnerChanged(**self.about, owner_id=other))

    def connected(self) -> dict[str, UUID]:
        """The workspace's accounts by service."""
        story, found = self.story, {}
        for service in story.some_of(_SERVICES, 1, 2):
            connection = found[service] = story.id(f"connection {service}")
            stream = f"connection-{connection}"
            about: dict[str, Any] = {"connection_id": connection}
            opened = ConnectionOpened(
                **about,
                integration_id=story.world.id(f"integration {service}"),
                user_id=self.owner if story.chance(0.5) else None,
                service_config={"account": f"team-{story.number}"},
                credentials=_sealed(story, f"account {service}"),
            )
            self.say(opened, stream=stream)
            if story.chance(0.1):
                changed: list[Event] = [
                    ConnectionStatusChanged(**about, status="error", reason="It was refused."),
                    ConnectionChanged(**about, service_config={"account": f"t-{story.number}"}),
                    ConnectionCredentialsChanged(
                        **about, credentials=_sealed(story, f"account {service} anew")
                    ),
                    ConnectionStatusChanged(**about, status="active"),
                ]
                for event in changed:
                    self.say(event, stream=stream)
            self.say(WorkspaceIntegrationAdded(**self.about, connection_id=connection))
        return found

    def disconnected(self, connections: dict[str, UUID]) -> None:
        for connection in connections.values():
            about = self.about | {"connection_id": connection}
            if self.story.chance(0.2):
                self.say(
                    WorkspaceIntegrationStatusChanged(**about, status="inactive", reason="A pause.")
                )
            if self.story.chance(0.1):
                self.say(WorkspaceIntegrationRemoved(**about))
                self.say(
                    ConnectionClosed(connection_id=connection), stream=f"connection-{connection}"
                )

    def workflow(self) -> None:
        """A workflow with its phases, gone through as far as it goes."""
        story, workflow = self.story, self.story.id("workflow")
        about: dict[str, Any] = {"workflow_id": workflow}
        stream = f"workflow-{workflow}"
        self.say(WorkflowCreated(**about, **self.about, name="From idea to use"), stream=stream)
        if story.chance(0.1):
            self.say(WorkflowRenamed(**about, name="From request to use"), stream=stream)
        phases = [story.id(f"phase {which}") for which in range(len(_PHASES))]
        for which, phase in enumerate(phases):
            added = PhaseAdded(
                **about, phase_id=phase, ordinal=10 * (which + 1), name=_PHASES[which]
            )
            self.say(added, stream=stream)
        started = WorkflowStatusChanged(**about, from_status="pending", to_status="in_progress")
        self.say(started, stream=stream)
        for phase in phases:
            if story.chance(0.1):
                skipped = PhaseStatusChanged(
                    phase_id=phase, from_status="pending", to_status="skipped"
                )
                self.say(skipped, stream=stream)
                continue
            begun = PhaseStatusChanged(
                phase_id=phase, from_status="pending", to_status="in_progress"
            )
            self.say(begun, stream=stream, after=2_000)
            if story.chance(0.1):
                self.say(PhaseRenamed(phase_id=phase, name="more to do"), stream=stream)
                return  # as far as it goes
            done = PhaseStatusChanged(
                phase_id=phase, from_status="in_progress", to_status="completed"
            )
            self.say(done, stream=stream, after=4_000)
        ended = WorkflowStatusChanged(**about, from_status="in_progress", to_status="completed")
        self.say(ended, stream=stream)

    def say(self, event: Event, *, stream: str | None = None, after: float = 120) -> None:
        self.story.say(stream or f"workspace-{self.id}", event, agent=self.owner, after=after)
