"""What the typed events accept, refuse, and look like in the log."""

from __future__ import annotations

from itertools import product
from typing import Any, get_args
from uuid import UUID, uuid4

import pytest

import eventstore.vocabulary
from eventstore import Event
from eventstore.encoding.codec import encode
from eventstore.errors import InvalidEvent
from eventstore.registry import default_registry
from eventstore.vocabulary import packaging, trust, work, workspaces
from eventstore.vocabulary.work import types as work_types
from projections.catalogue import PROJECTIONS, projection
from projections.errors import UnknownProjection
from projections.testing import recorded

ID = UUID(int=1)
EVENTS = sorted(
    (cls for cls in default_registry if cls.__module__.startswith("eventstore.vocabulary.")),
    key=lambda cls: cls.event_type,
)

MOVES: list[tuple[Any, dict[str, UUID], Any, Any]] = [
    (
        packaging.PackageStatusChanged,
        {"package_id": ID},
        packaging.PACKAGE_MOVES,
        packaging.PackageStatus,
    ),
    (
        work.WorkOrderStatusChanged,
        {"work_order_id": ID},
        work.WORK_ORDER_MOVES,
        work.WorkOrderStatus,
    ),
    (
        work.WorkItemStatusChanged,
        {"work_item_id": ID, "work_order_id": ID},
        work.WORK_ITEM_MOVES,
        work.WorkItemStatus,
    ),
    (
        work.ConnectorStatusChanged,
        {"connector_id": ID},
        work.CONNECTOR_MOVES,
        work.ConnectorStatus,
    ),
    (
        workspaces.WorkflowStatusChanged,
        {"workflow_id": ID},
        workspaces.WORKFLOW_MOVES,
        workspaces.WorkflowStatus,
    ),
    (
        workspaces.PhaseStatusChanged,
        {"phase_id": ID},
        workspaces.PHASE_MOVES,
        workspaces.PhaseStatus,
    ),
    (
        workspaces.ArtifactStatusChanged,
        {"artifact_id": ID},
        workspaces.ARTIFACT_MOVES,
        workspaces.ArtifactStatus,
    ),
]


def metric(metric_type: str, value: float) -> trust.TrustMetricRecorded:
    return trust.TrustMetricRecorded(
        metric_id=ID,
        session_id=ID,
        agent_id="ann",
        metric_type=metric_type,  # type: ignore[arg-type]
        metric_value=value,
    )


def rolled_up(**changed: Any) -> trust.TrustMetricsRolledUp:
    facts = {
        "agent_id": "ann",
        "metric_type": "accuracy",
        "day": "2026-01-31",
        "metric_ids": [ID],
        "total": 5.0,
        "minimum": 5.0,
        "maximum": 5.0,
    }
    return trust.TrustMetricsRolledUp(**facts | changed)  # type: ignore[arg-type]


def queued(kind: str) -> work.WorkItemQueued:
    return work.WorkItemQueued(work_item_id=ID, work_order_id=ID, type=kind)


@pytest.mark.parametrize("event", EVENTS, ids=lambda cls: cls.event_type)
def test_an_event_is_named_after_its_module_and_class(event: type[Event]) -> None:
    context = event.__module__.split(".")[2]
    words = "".join("_" + c.lower() if c.isupper() else c for c in event.__name__).lstrip("_")
    assert event.event_type == f"{context}.{words}"
    assert event.__doc__, "an event says in a line what it states"
    assert event.__name__ in getattr(eventstore.vocabulary, context).__all__


@pytest.mark.parametrize(("event", "of", "moves", "statuses"), MOVES)
def test_exactly_the_legal_moves_can_be_said(
    event: Any, of: dict[str, UUID], moves: Any, statuses: Any
) -> None:
    assert set(moves) == set(get_args(statuses))
    for before, after in product(get_args(statuses), repeat=2):
        if after in moves[before]:
            assert event(**of, from_status=before, to_status=after)
        else:
            with pytest.raises(InvalidEvent, match=f"{before} can't become {after}"):
                event(**of, from_status=before, to_status=after)


def test_the_way_of_a_package() -> None:
    moves = packaging.PACKAGE_MOVES
    assert moves == {
        "draft": {"analyzing", "failed"},
        "analyzing": {"generating_script", "failed"},
        "generating_script": {"creating_policy", "failed"},
        "creating_policy": {"testing", "failed"},
        "testing": {"waiting_approval", "failed"},
        "waiting_approval": {"completed", "failed"},
        "completed": set(),
        "failed": {"draft"},
    }


def test_what_is_recorded_is_not_judged_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rules of today must not make the log of yesterday unreadable."""
    move = packaging.PackageStatusChanged(package_id=ID, from_status="draft", to_status="analyzing")
    in_log = recorded(move)
    monkeypatch.setitem(packaging.PACKAGE_MOVES, "draft", frozenset())
    assert in_log.event == move
    with pytest.raises(InvalidEvent):
        packaging.PackageStatusChanged(package_id=ID, from_status="draft", to_status="analyzing")


def test_a_deployment_registers_its_types_of_work_items(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(work_types, "_types", set(work.work_item_types()))
    for known in ("INVOICE", "TICKET", "STATUS_REPORT"):
        assert queued(known).type == known
    with pytest.raises(InvalidEvent, match="register_work_item_type"):
        queued("DRILL")
    assert work.register_work_item_type("DRILL") == "DRILL"
    drill = recorded(queued("DRILL"))
    monkeypatch.setattr(work_types, "_types", {"TICKET"})
    assert isinstance(drill.event, work.WorkItemQueued), "another process reads it all the same"
    assert work.work_item_types() == {"TICKET"}


@pytest.mark.parametrize("form", ["", "drill", "1DRILL", "A-B", "A" * 65, "DRILL\n"])
def test_a_type_of_work_item_has_a_form(form: str) -> None:
    with pytest.raises(ValueError, match="STATUS_REPORT"):
        work.register_work_item_type(form)
    with pytest.raises(InvalidEvent):
        queued(form)


@pytest.mark.parametrize(
    ("metric_type", "value"),
    [("accuracy", 0), ("accuracy", 100), ("autonomy", 100), ("complexity", 0), ("complexity", 10)],
)
def test_metrics_within_their_range(metric_type: str, value: float) -> None:
    assert metric(metric_type, value).metric_value == value


@pytest.mark.parametrize(
    "wrong",
    [
        {"metric_ids": []},
        {"metric_ids": [ID, ID]},
        {"metric_ids": [UUID(int=n) for n in range(trust.MAX_METRICS + 1)]},
        {"minimum": 6.0},
        {"metric_type": "speed"},
    ],
)
def test_what_is_rolled_up_is_named_once_and_not_too_much_at_once(wrong: dict[str, Any]) -> None:
    assert rolled_up().day.isoformat() == "2026-01-31"
    with pytest.raises(InvalidEvent):
        rolled_up(**wrong)


@pytest.mark.parametrize(
    ("metric_type", "value"),
    [
        ("accuracy", -0.1),
        ("accuracy", 100.1),
        ("autonomy", 101),
        ("complexity", 10.1),
        ("complexity", float("nan")),
        ("speed", 1),
    ],
)
def test_metrics_beyond_their_range(metric_type: str, value: float) -> None:
    with pytest.raises(InvalidEvent):
        metric(metric_type, value)


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": ""},
        {"name": "x" * 256},
        {"version": "1" * 51},
        {"publisher": None},
        {"package_id": "p1"},
        {"colour": "red"},
        {"tags": "tool"},
    ],
)
def test_a_package_within_its_limits(wrong: dict[str, Any]) -> None:
    right: dict[str, Any] = {"package_id": ID, "name": "n", "version": "1", "publisher": "p"}
    assert packaging.PackageRegistered(**right)
    with pytest.raises(InvalidEvent):
        packaging.PackageRegistered(**right | wrong)


def test_a_file_is_as_large_as_it_is() -> None:
    added = packaging.InstallerAdded(
        installer_id=ID,
        package_id=ID,
        filename="a.iso",
        file_path="/a.iso",
        file_type="iso",
        size_bytes=2**62,
        sha256="f" * 64,
    )
    assert recorded(added).event == added
    with pytest.raises(InvalidEvent):
        packaging.InstallerAdded(**dict(added) | {"sha256": "F" * 64})


def test_events_in_the_log_keep_their_bytes() -> None:
    decision = trust.DecisionMade(
        decision_id=ID, session_id=ID, agent_id="ann", decision_type="risk", rationale="because"
    )
    assert encode(decision) == (
        b'{"action":{},"agent_id":"ann","confidence":null,'
        b'"decision_id":"00000000-0000-0000-0000-000000000001","decision_type":"risk",'
        b'"execution_time_ms":null,"input_context":{},"rationale":"because",'
        b'"session_id":"00000000-0000-0000-0000-000000000001"}'
    )


def test_retention_classes() -> None:
    kept = {cls.event_type: cls.retention for cls in EVENTS}
    assert kept["trust.message_sent"] == "conversation"
    assert kept["trust.decision_made"] == "decision"
    assert kept["work.approval_decided"] == "audit"
    assert kept["packaging.package_registered"] == "work"
    assert kept["workspaces.user_role_changed"] == "audit"


def test_the_catalogue() -> None:
    contexts = ["packaging", "projects", "trust", "work", "workspaces"]
    assert [known.name for known in PROJECTIONS] == contexts
    assert projection("trust") is PROJECTIONS[2]
    with pytest.raises(UnknownProjection, match=", ".join(contexts)):
        projection("nowhere")


def test_no_two_projections_share_a_table() -> None:
    tables = [table.TABLE for known in PROJECTIONS for table in known.tables]
    assert len(tables) == len(set(tables))


def test_ids_are_the_client_s() -> None:
    """The same fact said twice is two facts, unless it is given the same id."""
    first, second = queued("TICKET"), queued("TICKET")
    assert first == second
    assert first.event_id != second.event_id
    chosen = uuid4()
    assert first.with_id(chosen).event_id == chosen
