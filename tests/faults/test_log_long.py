"""The log that is appended to in every way at once; `make test-million` makes it a million long."""

from __future__ import annotations

import psycopg
import pytest

from tests.conftest import running_server
from tests.integration.log.long_log import CATEGORIES, DATABASE, LongLog
from tests.integration.log.soak_check import assert_nothing_is_wrong

pytestmark = [pytest.mark.faults, pytest.mark.timeout(1800)]


def test_a_long_log_is_what_everybody_was_told(long_log: LongLog) -> None:
    """Nobody was killed before the answer came: what is stored is what was acknowledged."""
    with (
        running_server(like=long_log.home) as server,
        psycopg.connect(server.admin_url(DATABASE), autocommit=True) as admin,
    ):
        acknowledged, stored = assert_nothing_is_wrong(
            admin, long_log.acknowledged, long_log.delivered, long_log.handled, CATEGORIES
        )
    print(  # noqa: T201
        f"{acknowledged:,} acknowledged, {stored:,} stored, in {long_log.seconds:.0f} s, with "
        f"{long_log.cuts} connections cut and {long_log.kills} kills of the server; "
        f"all delivered and handled {long_log.seconds_behind:.0f} s later"
    )
    assert acknowledged == stored >= long_log.events
