"""What the approver says of the others' decisions, and how the first word is told from the last."""

from __future__ import annotations

from uuid import UUID

from eventstore.vocabulary.work import WorkItemQueued
from projections.demo.agents.approver import opinions
from projections.demo.agents.planner import PACKAGE
from projections.demo.analysis import Analysis
from projections.demo.case import Case, CheckedBy
from projections.demo.risk import Ruling
from tests.unit.demo.test_risk import FAILED, PASSED

ID = UUID(int=1)
APPROVED, REJECTED = Ruling("APPROVED", "fine"), Ruling("REJECTED", "not so")


def case(facts: Analysis, *checks: CheckedBy, policy_failed: bool = False) -> Case:
    item = WorkItemQueued(work_item_id=ID, work_order_id=ID, type=PACKAGE)
    return Case(ID, item, facts=facts, checks=list(checks), policy_failed=policy_failed)


def test_an_approval_speaks_for_everybody() -> None:
    assert set(opinions(case(Analysis(), CheckedBy("t", PASSED)), APPROVED).values()) == {
        "approved"
    }


def test_who_refused_first_was_right() -> None:
    assert opinions(case(Analysis(refusal="no")), REJECTED) == {"examine": "approved"}


def test_a_changed_file_speaks_against_those_who_vouched_for_it() -> None:
    found = case(Analysis(), CheckedBy("t", FAILED), policy_failed=True)
    assert opinions(found, REJECTED) == {
        "examine": "rejected",
        "verify": "approved",
        "allow": "rejected",
    }


def test_a_second_reading_that_finds_more_speaks_against_the_first() -> None:
    found = case(Analysis(), CheckedBy("t", PASSED), CheckedBy("i", FAILED))
    assert opinions(found, REJECTED) == {
        "examine": "rejected",
        "verify": "rejected",
        "verify_again": "approved",
    }
