"""Names and sentences for made-up data, put together from short lists."""

from __future__ import annotations

from typing import Final

from eventstore.seed.story import Story

__all__ = ["PUBLISHERS", "TOPICS", "paragraph", "person", "product", "sentence"]

PUBLISHERS: Final = (
    "Alderbrook Software", "Basalt Systems", "Cobalt Harbor", "Driftwood Labs", "Elmfield Tools",
    "Fjordline", "Granite Peak", "Hollow Oak", "Inkwell Works", "Juniper Gate", "Kestrel Soft",
    "Lanternfish", "Millrace", "Northlight", "Ottermoor", "Pinecrest Data", "Quarry Lane",
    "Redfern", "Saltmarsh", "Tidewater Apps", "Umberfield", "Vesper Hill", "Windrose", "Yarrow",
)  # fmt: skip
_KINDS: Final = (
    "Archiver", "Backup", "Browser", "Calendar", "Compiler", "Converter", "Dashboard", "Editor",
    "Firewall", "Gateway", "Indexer", "Launcher", "Mailer", "Monitor", "Notes", "Player",
    "Profiler", "Reader", "Recorder", "Scanner", "Scheduler", "Studio", "Terminal", "Viewer",
)  # fmt: skip
_EPITHETS: Final = (
    "Amber", "Arctic", "Blue", "Bright", "Copper", "Crisp", "Deep", "Double", "Fast", "Glass",
    "Green", "Iron", "Light", "Little", "Lunar", "Open", "Paper", "Plain", "Quick", "Quiet",
    "Silver", "Solid", "Swift", "True",
)  # fmt: skip
_GIVEN: Final = (
    "Ada", "Amara", "Bela", "Carmen", "Chidi", "Dilan", "Edith", "Farid", "Greta", "Hana", "Ines",
    "Jonas", "Kofi", "Lena", "Mateo", "Nadia", "Olga", "Pavel", "Rosa", "Samir", "Tove", "Uri",
    "Vera", "Yuki",
)  # fmt: skip
_FAMILY: Final = (
    "Abara", "Bauer", "Castillo", "Demir", "Eriksen", "Fontaine", "Gupta", "Haddad", "Ito",
    "Jansen", "Kowalski", "Lindqvist", "Moreau", "Nakamura", "Okafor", "Petrov", "Quispe", "Rossi",
    "Silva", "Tanaka", "Ueda", "Vogel", "Weber", "Zhang",
)  # fmt: skip

TOPICS: Final[dict[str, tuple[str, ...]]] = {
    "install": (
        "the silent switch", "the installer", "the uninstall string", "the registry key",
        "the exit code", "the reboot flag", "the detection rule", "the license prompt",
        "the start menu shortcut", "the machine-wide install", "the transform file",
    ),
    "security": (
        "the publisher certificate", "the hash rule", "the file path rule", "the kernel driver",
        "the unsigned library", "the signing time", "the allow list", "the block list",
        "the supplemental policy", "the audit log",
    ),
    "work": (
        "the invoice total", "the delivery date", "the customer's address", "the open ticket",
        "the status report", "the second approval", "the missing attachment", "the purchase order",
        "the monthly figures", "the cost centre",
    ),
    "code": (
        "the request handler", "the database migration", "the retry loop", "the login page",
        "the cache key", "the test suite", "the error message", "the build script",
        "the configuration file", "the background job", "the rate limit",
    ),
    "team": (
        "the release plan", "the architecture page", "the user story", "the review", "the handover",
        "the roadmap", "the acceptance criteria", "the interface sketch", "the shared folder",
    ),
}  # fmt: skip
"""What is talked about, by the field that it is of."""

_FINDINGS: Final = (
    "is missing on older machines", "works as described by the vendor",
    "needs administrator rights",
    "differs between the two versions", "was checked against the records of last month",
    "fails when the network is slow", "is recorded twice and should be merged",
    "has to be confirmed by a second pair of eyes", "can be left as it is",
    "takes longer than expected under load", "was changed without notice",
    "is safe to repeat after a crash", "depends on the order of the steps",
)  # fmt: skip
_REMARKS: Final = (
    "so the next step waits for it", "which a test now covers", "and nobody objected",
    "so it stays on the list", "as the earlier attempt had shown", "which explains the error",
    "and a note was left for the next shift", "so the risk is low", "which needs a closer look",
)  # fmt: skip


def product(story: Story) -> str:
    """The name of a program."""
    return f"{story.one_of(_EPITHETS)} {story.one_of(_KINDS)}"


def person(story: Story) -> str:
    """The name of a person."""
    return f"{story.one_of(_GIVEN)} {story.one_of(_FAMILY)}"


def sentence(story: Story, topic: str) -> str:
    """Something that could be said about one of the TOPICS."""
    about, finding = story.one_of(TOPICS[topic]), story.one_of(_FINDINGS)
    words = f"{about} {finding}"
    if story.chance(0.4):
        words += f", {story.one_of(_REMARKS)}"
    return f"{words[0].upper()}{words[1:]}."


def paragraph(story: Story, topic: str, sentences: int) -> str:
    """So many sentences."""
    return " ".join(sentence(story, topic) for _ in range(sentences))
