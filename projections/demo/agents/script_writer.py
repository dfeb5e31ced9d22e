"""The script writer turns the analyst's facts into an install script."""

from __future__ import annotations

from time import perf_counter
from typing import Any

from uuid_utils.compat import uuid7

from eventstore import RecordedEvent
from eventstore.vocabulary.packaging import ScriptGenerated
from projections.demo.case import Case
from projections.demo.desk import Desk
from projections.demo.script import install_script, parameters
from projections.demo.turn import Turn

__all__ = ["script_writer"]


def script_writer(desk: Desk, case: Case, asked: RecordedEvent) -> None:
    """Writes the script, says what it pins, and hands over to the policy writer."""
    facts = case.known_facts
    clock = perf_counter()
    text, said = install_script(case.identity, facts), parameters(case.identity, facts)
    milliseconds = round((perf_counter() - clock) * 1000)
    pinned = said["archive_sha256"] is not None

    def compose(turn: Turn) -> None:
        turn.move("analyzing", "generating_script")
        written = turn.of_package(
            ScriptGenerated(
                script_id=uuid7(),
                package_id=case.package_id,
                script_content=text,
                parameters=said,
            )
        )
        decided = turn.decide(
            "pin",
            _rationale(said),
            {"requirement": said["requirement"], "archive_sha256": said["archive_sha256"]},
            # With the archive's hash the same bytes arrive; with the version, what the index has.
            confidence=1.0 if pinned else 0.5,
            milliseconds=milliseconds,
            because=written,
        )
        turn.tell(
            desk.team.policy_writer,
            f"the script for {case.identity.title} pins {said['requirement']}",
            because=decided.event_id,
        )

    desk.write(asked, case, compose)


def _rationale(said: dict[str, Any]) -> str:
    if said["archive_sha256"] is not None:
        return "the archive's hash is known, so pip takes no other"
    pinned = "no archive hash was written down, so the version is pinned"
    natives = said["checked_after"]
    return f"{pinned}, and native code compared afterwards ({natives:,})" if natives else pinned
