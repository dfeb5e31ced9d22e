"""Packages on their way: most are completed, some fail and are tried again, a few are given up."""

from __future__ import annotations

from itertools import pairwise
from typing import Any, Final, get_args

from pydantic import JsonValue

from eventstore.event import Event
from eventstore.seed import words
from eventstore.seed.crew import agent
from eventstore.seed.story import Story
from eventstore.vocabulary.packaging import (
    AgentActivity,
    AgentStateChanged,
    DocumentationRevised,
    DocumentationWritten,
    InstallerAdded,
    InstallerAnalyzed,
    KnowledgeItemAdded,
    KnowledgeItemChanged,
    KnowledgeItemRemoved,
    PackageDeleted,
    PackageDetailsChanged,
    PackageRegistered,
    PackageRestored,
    PackageStatus,
    PackageStatusChanged,
    PolicyCreated,
    PolicyTested,
    ScriptGenerated,
    ScriptRevised,
    SystemConfigChanged,
)

__all__ = ["prologue", "story"]

_ORDER: Final[tuple[PackageStatus, ...]] = get_args(PackageStatus)[:-1]
_WORKER: Final[dict[PackageStatus, str]] = {
    "analyzing": "analyst",
    "generating_script": "script-writer",
    "creating_policy": "policy-writer",
    "testing": "tester",
    "waiting_approval": "approver",
    "completed": "approver",
}
_SETTINGS: Final[tuple[tuple[str, JsonValue], ...]] = (
    ("analysis.timeout_s", 600),
    ("approval.policy", {"needed": 1, "from": ["approver"]}),
    ("script.template", "PSAppDeployToolkit 4"),
    ("policy.rule_levels", ["publisher", "hash"]),
    ("testing.machines", 2),
)
_FILE_TYPES: Final = ("msi", "exe", "msix", "zip")
_ARCHITECTURES: Final = ("x64", "x86", "arm64")


def prologue(story: Story) -> None:
    """How the team is set up."""
    for key, value in _SETTINGS:
        _configure(story, key, value)


def story(story: Story) -> None:
    """One package, from its registration on."""
    _Package(story).told()
    if story.chance(0.03):
        _configure(story, "analysis.timeout_s", 300 * story.number_in(1, 6))


def _configure(story: Story, key: str, value: JsonValue) -> None:
    planner = agent("planner", story.number)
    event = SystemConfigChanged(key=key, value=value, updated_by=planner)
    story.say(f"system_config-{key}", event, agent=planner)


class _Package:
    """A package and its parts, while its story is told."""

    def __init__(self, story: Story) -> None:
        self.story = story
        self.id = story.world.id(f"package {story.number}")
        self.name = words.product(story)
        self.file = f"{self.name.lower().replace(' ', '-')}.{story.one_of(_FILE_TYPES)}"
        self.hash = story.digest("installer")
        self.tries = 0
        self.status: PackageStatus = "draft"

    def told(self) -> None:
        story = self.story
        version = f"{story.number_in(1, 9)}.{story.number_in(0, 20)}.{story.number}"
        publisher = story.one_of(words.PUBLISHERS)
        self.say(
            "planner",
            PackageRegistered(
                package_id=self.id,
                name=self.name,
                version=f"{version}.{story.world.seed}",
                publisher=publisher,
                description=f"{self.name} by {publisher}.",
                metadata={"architecture": story.one_of(_ARCHITECTURES), "asked_for_by": "sales"},
                tags=story.some_of(("office", "tool", "viewer", "internal", "trial"), 0, 2),
            ),
        )
        while not self.tried():
            if self.tries == 3 or story.chance(0.3):
                break
            self.move("planner", "draft", "The cause is known, so it is tried again.", after=7_200)
        self.learned()
        self.out_of_use()

    def tried(self) -> bool:
        """One try, step by step; whether it ended well."""
        self.tries += 1
        steps = {
            "analyzing": self.analyzed,
            "generating_script": self.scripted,
            "creating_policy": self.put_under_policy,
            "testing": self.tested,
            "waiting_approval": self.documented,
        }
        for _, status in pairwise(_ORDER):
            who = _WORKER[status]
            self.agent_is(who, "working")
            self.move(who, status, after=600)
            if status in steps:
                steps[status](who)
            if status == "testing" and not self.passed:
                self.agent_is(who, "failed")
                self.move(who, "failed", words.sentence(self.story, "install"))
                return False
            if status == "waiting_approval" and self.story.chance(0.04):
                self.move("approver", "failed", words.sentence(self.story, "security"), after=9_000)
                return False
            self.agent_is(who, "idle")
        return True

    def analyzed(self, who: str) -> None:
        installer = self.story.id(f"installer {self.tries}")
        self.say(
            who,
            InstallerAdded(
                installer_id=installer,
                package_id=self.id,
                filename=self.file,
                file_path=f"installers/{self.hash[:2]}/{self.file}",
                file_type=self.file.rpartition(".")[2],
                size_bytes=self.story.number_in(200_000, 900_000_000),
                sha256=self.hash,
            ),
        )
        found = {
            "silent_switches": self.story.some_of(("/quiet", "/S", "/norestart", "--silent"), 1, 2),
            "dependencies": self.story.some_of(("vcredist", "dotnet-8", "webview2"), 0, 2),
            "detection_rules": [{"type": "file", "path": f"C:\\Program Files\\{self.name}"}],
        }
        self.say(
            who,
            InstallerAnalyzed(installer_id=installer, package_id=self.id, analysis_data=found),
            after=120,
        )
        if self.story.chance(0.3):
            self.say(
                who,
                PackageDetailsChanged(
                    package_id=self.id,
                    description=words.paragraph(self.story, "install", 2),
                    metadata={"analyzed": True, "file": self.file},
                    tags=["analyzed"],
                ),
            )

    def scripted(self, who: str) -> None:
        script = self.story.id(f"script {self.tries}")
        about: dict[str, Any] = {
            "script_id": script,
            "package_id": self.id,
            "parameters": {"AllowReboot": False},
        }
        content = f"Start-ADTProcess -FilePath '{self.file}' -ArgumentList '/quiet'"
        self.say(who, ScriptGenerated(**about, script_content=content), after=240)
        for _ in range(self.story.number_in(0, 2)):
            content += f"\n# {words.sentence(self.story, 'install')}"
            reason = words.sentence(self.story, "install")
            self.say(who, ScriptRevised(**about, script_content=content, reason=reason), after=300)

    def put_under_policy(self, who: str) -> None:
        self.policy = self.story.id(f"policy {self.tries}")
        self.say(
            who,
            PolicyCreated(
                policy_id=self.policy,
                package_id=self.id,
                policy_xml=f'<SiPolicy><Allow Hash="{self.hash}"/></SiPolicy>',
                policy_rules={"hashes": [self.hash], "publisher": self.story.chance(0.7)},
            ),
            after=180,
        )

    def tested(self, who: str) -> None:
        self.passed = self.story.chance(0.85)
        failed = 0 if self.passed else self.story.number_in(1, 3)
        self.say(
            who,
            PolicyTested(
                policy_id=self.policy,
                package_id=self.id,
                passed=self.passed,
                test_results={"files": self.story.number_in(5, 400), "blocked": failed},
            ),
            after=900,
        )

    def documented(self, who: str) -> None:
        documentation = self.story.id(f"documentation {self.tries}")
        about = {"documentation_id": documentation, "package_id": self.id}
        sections = {"installation": words.paragraph(self.story, "install", 2)}
        content = f"# {self.name}\n\n{sections['installation']}"
        self.say(who, DocumentationWritten(**about, content=content, sections=sections), after=400)
        if self.story.chance(0.2):
            sections["security"] = words.paragraph(self.story, "security", 2)
            content += f"\n\n{sections['security']}"
            self.say(who, DocumentationRevised(**about, content=content, sections=sections))
        self.agent_is(who, "waiting")

    def learned(self) -> None:
        """What the team keeps in mind of it."""
        if not self.story.chance(0.4):
            return
        item, who = self.story.id("knowledge"), "analyst"
        stream = f"knowledge_item-{item}"
        about: dict[str, Any] = {
            "knowledge_item_id": item,
            "title": f"{self.name}: {words.sentence(self.story, 'install')}",
            "source_package_id": self.id,
        }
        content = words.paragraph(self.story, "install", 3)
        self.say(who, KnowledgeItemAdded(**about, content=content), stream=stream, after=3_000)
        if self.story.chance(0.25):
            content += " " + words.sentence(self.story, "security")
            self.say(who, KnowledgeItemChanged(**about, content=content), stream=stream)
        if self.story.chance(0.1):
            gone = KnowledgeItemRemoved(knowledge_item_id=item, reason="It was found to be wrong.")
            self.say("approver", gone, stream=stream, after=20_000)

    def out_of_use(self) -> None:
        if self.story.number % 12 == 5:
            reason = "A newer version takes its place."
            self.say("planner", PackageDeleted(package_id=self.id, reason=reason), after=20_000)
            if self.story.number % 24 == 5:
                reason = "It is still needed."
                self.say("planner", PackageRestored(package_id=self.id, reason=reason), after=9_000)

    def move(
        self, who: str, to: PackageStatus, reason: str | None = None, *, after: int = 60
    ) -> None:
        moved = PackageStatusChanged(
            package_id=self.id, from_status=self.status, to_status=to, reason=reason
        )
        self.status = to
        self.say(who, moved, after=after)

    def agent_is(self, who: str, state: AgentActivity) -> None:
        name = agent(who, self.story.number)
        at = self.id if state != "idle" else None
        event = AgentStateChanged(agent_name=name, state=state, current_package_id=at)
        self.say(who, event, stream=f"agent_state-{name}", after=5)

    def say(self, who: str, event: Event, *, stream: str | None = None, after: int = 60) -> None:
        self.story.say(
            stream or f"package-{self.id}", event, agent=agent(who, self.story.number), after=after
        )
