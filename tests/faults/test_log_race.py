"""The race at length."""

from __future__ import annotations

import pytest

from tests.integration.log.facts import open_store
from tests.integration.log.processes import children
from tests.integration.log.test_race import WRITERS, duels, race

pytestmark = [pytest.mark.faults, pytest.mark.timeout(900)]


def test_ten_writers_race_for_long(database_url: str) -> None:
    with (
        children(WRITERS, "writer_process", database_url) as writers,
        open_store(database_url) as store,
    ):
        race(writers, store, wins=400)
        duels(writers, store, rounds=400)
