"""The analyst reads what a distribution says of itself, and decides whether to go on with it."""

from __future__ import annotations

from time import perf_counter
from uuid import UUID

from uuid_utils.compat import uuid7

from eventstore import RecordedEvent
from eventstore.vocabulary.packaging import InstallerAdded
from eventstore.vocabulary.trust import DecisionMade, FindingReported
from eventstore.vocabulary.work import AttemptEnded, AttemptStarted
from projections.demo.analysis import Analysis, analyze
from projections.demo.case import Case
from projections.demo.desk import Desk
from projections.demo.risk import assess
from projections.demo.turn import Turn
from projections.demo.words import counted

__all__ = ["analyst"]


def analyst(desk: Desk, case: Case, asked: RecordedEvent) -> None:
    """Reads metadata and RECORD; hands over to the script writer, or asks for a rejection."""
    attempt_id = uuid7()

    def begin(turn: Turn) -> UUID:
        turn.move_item(case, "PROCESSING")
        if not case.recheck:
            turn.move("draft", "analyzing")
        return turn.of_item(
            case,
            AttemptStarted(
                attempt_id=attempt_id,
                work_item_id=case.item.work_item_id,
                agent_id=desk.agent.agent_id,
                input={"location": str(case.location)},
            ),
        )

    started = desk.write(asked, case, begin)
    clock = perf_counter()
    facts = analyze(case.location)
    milliseconds = round((perf_counter() - clock) * 1000)

    def end(turn: Turn) -> None:
        finding = turn.say(
            turn.agent.session_stream,
            FindingReported(
                message_id=uuid7(),
                session_id=turn.agent.session_id,
                content=_in_words(case, facts),
                significance="high" if facts.refusal else "medium" if facts.native else "low",
                details=facts.details(),
            ),
        )
        if not case.recheck and facts.refusal is None:
            turn.of_package(_manifest(case, facts), because=finding)
        turn.of_item(
            case,
            AttemptEnded(
                attempt_id=attempt_id,
                status="COMPLETED" if facts.refusal is None else "FAILED",
                output={"files": facts.files, "hashed": facts.hashed, "bytes": facts.size},
                error=facts.refusal,
                duration_ms=milliseconds,
            ),
            because=started,
        )
        decided = _decide(turn, facts, finding, milliseconds)
        if facts.refusal is not None:
            next_one, content = desk.team.approver, f"can't be packaged: {facts.refusal}"
        else:
            next_one = desk.team.tester(case.number) if case.recheck else desk.team.script_writer
            content = f"has {counted(facts.files, 'file')}; {assess(facts)}"
        turn.tell(next_one, f"{case.identity.title} {content}", because=decided.event_id)

    desk.write(asked, case, end)


def _decide(turn: Turn, facts: Analysis, finding: UUID, milliseconds: int) -> DecisionMade:
    if facts.refusal is not None:
        return turn.decide(
            "examine",
            facts.refusal,
            {"verdict": "refuse"},
            confidence=1.0,
            milliseconds=milliseconds,
            because=finding,
        )
    risk, checkable = assess(facts), facts.hashed + facts.unproved
    decided = turn.decide(
        "examine",
        f"{facts.hashed:,} of {counted(checkable, 'file')} can be proved; {risk}",
        {"verdict": "go on", "risk": risk.level},
        confidence=facts.hashed / checkable,
        given={"files": facts.files, "native": len(facts.native)},
        milliseconds=milliseconds,
        because=finding,
    )
    turn.measure(
        decided, "complexity", risk.points, {"reasons": risk.reasons}, because=decided.event_id
    )
    return decided


def _in_words(case: Case, facts: Analysis) -> str:
    if facts.refusal is not None:
        return f"{case.identity.title}: {facts.refusal}"
    return (
        f"{case.identity.title}: {counted(facts.files, 'file')} of {counted(facts.size, 'byte')}, "
        f"{facts.hashed:,} with a hash, {len(facts.native):,} native; "
        f"license {facts.license or 'unknown'}"
    )


def _manifest(case: Case, facts: Analysis) -> InstallerAdded:
    """RECORD stands for the installer: it is what an installer left that names every file."""
    return InstallerAdded(
        installer_id=uuid7(),
        package_id=case.package_id,
        filename="RECORD",
        file_path=str(case.location / "RECORD"),
        file_type="dist-info",
        size_bytes=facts.record_size,
        sha256=facts.record_sha256,
        analysis_data={
            "silent_switches": ["--no-input", "--quiet"],
            "dependencies": facts.requires,
            "detection": {"distribution": case.identity.name, "version": case.identity.version},
            "entry_points": facts.entry_points,
            "native_files": len(facts.native),
            "files": facts.files,
            "bytes": facts.size,
            "license": facts.license,
            "tags": facts.tags,
        },
    )
