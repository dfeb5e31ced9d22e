"""Metrics, health and logs of a real daemon, and how they change when something breaks."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg.types.json import Jsonb

from eventstore import EventStore, RecordedEvent
from eventstore.cli.main import main
from eventstore.connection.database import connect
from eventstore.connection.server import make_database
from eventstore.embedded import EmbeddedServer
from eventstore.vocabulary.trust import AgentRegistered
from eventstore.vocabulary.work import WorkItemQueued, WorkItemStatusChanged, WorkOrderOpened
from projections.catalogue import PROJECTIONS
from projections.checkpoint import Lease, acquire
from projections.live.observer import Observer
from projections.monitor.web import Web
from projections.projection import Rows, on
from projections.session import Connection
from projections.work import Work
from tests.integration.log.crash import kill
from tests.integration.projections.daemon_process import DaemonProcess, daemon_process
from tests.integration.projections.running import catch_up, number, running, until
from tests.integration.projections.things import ThingMade, Things

NAMES = [each.name for each in PROJECTIONS]
ORDER = WorkOrderOpened(work_order_id=number(1), title="first")
POISON = WorkItemStatusChanged(
    work_item_id=number(404),
    work_order_id=number(1),
    from_status="QUEUED",
    to_status="PROCESSING",
)


@pytest.fixture
def daemon(url: str) -> Iterator[DaemonProcess]:
    """A daemon of all projections that is under way."""
    with daemon_process(url) as process:
        until(lambda: len(process.events("lease acquired")) == len(NAMES), "it holds all")
        yield process


def applied(daemon: DaemonProcess, name: str = "work") -> float:
    return daemon.metrics().get(("eventstore_projection_events_applied_total", name, "0"), 0.0)


def test_all_is_well(daemon: DaemonProcess, store: EventStore) -> None:
    receipt = store.append("work_order-1", [ORDER])
    until(lambda: applied(daemon) == 1, "it is counted")
    at_the_end = ("eventstore_projection_position", "work", "0")
    until(lambda: daemon.metrics()[at_the_end] == receipt.positions[-1], "the next look")
    found = daemon.metrics()
    assert found["eventstore_database_up",] == 1
    assert found["eventstore_watermark_position",] == receipt.positions[-1]
    assert found["eventstore_oldest_append_in_flight_seconds",] == 0
    for name in NAMES:
        assert found["eventstore_projection_lease_held", name, "0"] == 1
        assert found["eventstore_projection_lag_events", name, "0"] == 0
        assert found["eventstore_projection_state", name, "0", "running"] == 1
    assert found["eventstore_projection_batch_duration_seconds_count", "work", "0"] == 1
    assert found["eventstore_projection_failures", "work", "0", "failed"] == 0
    assert found["process_resident_memory_bytes",] > 0
    assert daemon.facts("/healthz") == (200, {"alive": True, "reasons": []})
    status, ready = daemon.facts("/readyz")
    assert (status, ready["reasons"]) == (200, [])
    assert ready["holds"] == [f"{name}/0" for name in NAMES]
    standbys = "eventstore_stored_watermark_position"
    until(lambda: daemon.metrics()[standbys,] == receipt.position, "it is stored for standbys")


def test_partitions_that_are_missing(daemon: DaemonProcess, admin_url: str) -> None:
    assert daemon.metrics()["eventstore_partitions_missing",] == 0
    assert daemon.metrics()["eventstore_partition_months_ahead",] == 2
    with psycopg.connect(admin_url, autocommit=True) as admin:
        query = "SELECT max(name) FROM eventstore.partitions WHERE from_time > now() "
        (name,) = admin.execute(f"{query} AND until_time < now() + interval '62 days'").fetchall()[
            0
        ]
        admin.execute(f"DROP TABLE eventstore.{name}")
    until(lambda: daemon.facts("/readyz")[0] == 503, "the alarm")
    (reason,) = daemon.facts("/readyz")[1]["reasons"]
    assert "eventstore partitions ensure" in reason
    assert daemon.metrics()["eventstore_partitions_missing",] == 1


def test_only_these_pages_can_only_be_read(daemon: DaemonProcess) -> None:
    assert daemon.get("/")[0] == 404
    assert daemon.get("/metrics", "POST")[0] == 405
    assert daemon.get("/healthz", "HEAD") == (200, "")
    # A client that says nothing holds up nobody.
    import socket

    host, port = daemon.address.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port))):
        assert daemon.get("/healthz")[0] == 200


def test_an_event_that_cannot_be_applied(daemon: DaemonProcess, store: EventStore) -> None:
    """Whether the projection stops at it or holds it, it is seen."""
    store.append("work_order-1", [ORDER, POISON])
    held = ("eventstore_projection_failures", "work", "0", "failed")
    failed = ("eventstore_projection_state", "work", "0", "failed")
    until(lambda: daemon.metrics()[held] or daemon.metrics().get(failed), "it is seen")
    # The process is none the worse for it, and the others go on.
    assert daemon.facts("/healthz")[0] == 200
    assert daemon.metrics()["eventstore_projection_state", "trust", "0", "running"] == 1


@pytest.mark.parametrize(
    ("state", "because"),
    [("paused", "too many"), ("failed", '"projections.agents" does not exist')],
)
def test_what_does_not_run_is_a_reason_not_to_be_ready(
    store: EventStore, url: str, conn: Connection, state: str, because: str
) -> None:
    with daemon_process(url, "work", "trust") as daemon:
        until(lambda: daemon.facts("/readyz")[1]["holds"] == ["trust/0", "work/0"], "both")
        assert daemon.facts("/readyz")[0] == 200
        if state == "paused":
            conn.execute(
                "UPDATE checkpoints SET state = 'paused', last_error = %s "
                "WHERE projection = 'trust'",
                [Jsonb({"error": because})],
            )
        else:
            with connect(url, role="owner") as owner:
                owner.execute("ALTER TABLE agents RENAME TO agents_of_another_day")
            ann = AgentRegistered(agent_id="ann", name="Ann", persona_type="qa")
            store.append("agent-1", [ann])
        until(lambda: daemon.facts("/readyz")[0] == 503, "it is not ready")
        (reason,) = daemon.facts("/readyz")[1]["reasons"]
        assert reason.startswith("trust ")
        assert because in reason
        assert daemon.metrics()["eventstore_projection_state", "trust", "0", state] == 1
        assert daemon.facts("/healthz")[0] == 200


def test_a_lease_that_another_holds(url: str, conn: Connection) -> None:
    """It is that one's business, until its holder is silent and this daemon takes over."""
    lease = acquire(conn, Work(), seconds=60)
    assert isinstance(lease, Lease)
    with daemon_process(url, "work", "trust") as daemon:
        until(lambda: daemon.events("standby"), "it stands by")
        key = ("eventstore_projection_lease_held", "work", "0")
        assert daemon.metrics()[key] == 0
        until(lambda: daemon.facts("/readyz")[1]["holds"] == ["trust/0"], "the other one")
        assert daemon.facts("/readyz")[0] == 200
        lease.release(conn)
        until(lambda: daemon.metrics()[key] == 1, "it takes over")
        assert daemon.facts("/readyz")[1]["holds"] == ["trust/0", "work/0"]


def test_a_database_that_is_killed(durable_server: EmbeddedServer) -> None:
    """Not ready, but alive: a restart of the daemon would not help it."""
    make_database(durable_server, "store")
    url = durable_server.url("store")
    with daemon_process(url, "work") as daemon:
        until(lambda: daemon.facts("/readyz")[1]["holds"] == ["work/0"], "it holds it")
        kill(durable_server)
        until(lambda: daemon.facts("/readyz")[0] == 503, "it is not ready")
        (reason,) = daemon.facts("/readyz")[1]["reasons"]
        assert reason.startswith("StoreUnavailable")
        until(lambda: daemon.facts("/readyz")[1]["holds"] == [], "the worker has noticed")
        assert daemon.facts("/healthz")[0] == 200
        found = daemon.metrics()
        assert found["eventstore_database_up",] == 0
        assert ("eventstore_projection_position", "work", "0") not in found
        assert daemon.events("connection lost")[0]["projection"] == "work"
        durable_server.ensure_running()
        until(lambda: daemon.facts("/readyz")[1]["holds"] == ["work/0"], "it is back")
        until(lambda: daemon.facts("/readyz")[0] == 200, "it is ready")
        assert daemon.metrics()["eventstore_database_up",] == 1


def test_a_database_with_another_schema(daemon: DaemonProcess, admin_url: str) -> None:
    import psycopg

    with psycopg.connect(admin_url, autocommit=True) as admin:
        admin.execute("UPDATE eventstore.alembic_version SET version_num = '9999_later'")
    until(lambda: daemon.facts("/readyz")[0] == 503, "it is not ready")
    (reason,) = daemon.facts("/readyz")[1]["reasons"]
    assert reason.startswith("SchemaMismatch")
    assert "newer release" in reason


def test_a_thread_that_hangs(store: EventStore, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A rule that does not end: nothing else tells it from one that has much to do."""
    entered, leave = threading.Event(), threading.Event()

    class Hanging(Things, name="things", tables=Things.tables):
        @on(ThingMade)
        def made(self, event: ThingMade, recorded: RecordedEvent, rows: Rows) -> None:
            entered.set()
            assert leave.wait(60)

    monkeypatch.setattr("projections.monitor.health.STUCK_SECONDS", 1.0)
    found: list[Web] = []
    enter = Web.__enter__

    def entered_by(web: Web) -> Web:
        found.append(web)
        return enter(web)

    monkeypatch.setattr(Web, "__enter__", entered_by)
    with running(url, Hanging(), lease_seconds=0.6, http="127.0.0.1:0"):
        (web,) = until(lambda: found, "it listens")
        healthy = DaemonPages(web.address)
        assert healthy.facts("/healthz")[0] == 200
        store.append("thing-1", [ThingMade(thing_id=number(1), name="a")])
        assert entered.wait(20)
        until(lambda: healthy.facts("/healthz")[0] == 503, "it hangs")
        (reason,) = healthy.facts("/healthz")[1]["reasons"]
        assert reason.startswith("things/0 made no progress for")
        leave.set()
        until(lambda: healthy.facts("/healthz")[0] == 200, "it goes on")


class DaemonPages(DaemonProcess):
    """The pages of a daemon in this process."""

    def __init__(self, address: str) -> None:
        self._address = address

    @property
    def address(self) -> str:
        return f"http://{self._address}"


HOOKS = """
from pathlib import Path
from projections.hooks import Changes, Hook

class Noting(Hook):
    name, projection = "noting", "work"

    def after_commit(self, changes: Changes) -> None:
        if Path({blocked!r}).exists():
            raise RuntimeError("not now")
        with Path({told!r}).open("a") as file:
            file.writelines(f"{{each.position}}\\n" for each in changes.events)
"""
ENTRY_POINTS = "[eventstore.hooks]\nnoting = noting_hook:Noting\n"


def installed(where: Path, code: str) -> dict[str, str]:
    """A package with a hook, as pip would leave it; returns what lets a process see it."""
    (where / "noting_hook.py").write_text(code, encoding="utf-8")
    described = where / "noting_hook-1.0.dist-info"
    described.mkdir()
    (described / "METADATA").write_text("Name: noting-hook\nVersion: 1.0\n", encoding="utf-8")
    (described / "entry_points.txt").write_text(ENTRY_POINTS, encoding="utf-8")
    return {"PYTHONPATH": os.pathsep.join([str(where), os.environ.get("PYTHONPATH", "")])}


def test_a_hook_of_an_installed_package(store: EventStore, url: str, tmp_path: Path) -> None:
    told, blocked = tmp_path / "told", tmp_path / "blocked"
    environment = installed(tmp_path, HOOKS.format(told=str(told), blocked=str(blocked)))
    lag = ("eventstore_hook_lag_events", "noting", "work", "0")
    errors = ("eventstore_hook_errors_total", "noting", "work", "0")
    with daemon_process(url, environment=environment) as daemon:
        until(lambda: daemon.events("lease acquired"), "it is under way")
        first = store.append("work_order-1", [ORDER]).positions[0]
        until(lambda: told.exists() and told.read_text() == f"{first}\n", "it is told")
        until(lambda: daemon.metrics().get(lag) == 0, "nothing is left to tell")
        assert errors not in daemon.metrics()
        blocked.touch()
        item = WorkItemQueued(work_item_id=number(2), work_order_id=number(1), type="TICKET")
        second = store.append("work_order-1", [item]).positions[0]
        until(lambda: daemon.metrics().get(errors, 0) >= 1, "it fails")
        until(lambda: daemon.metrics()[lag] == 1, "it is behind")
        failed = daemon.events("hook failed")[0]
        assert (failed["hook"], failed["projection"], failed["shard"]) == ("noting", "work", 0)
        assert failed["error"] == "RuntimeError: not now"
        assert daemon.facts("/readyz")[0] == 200, "the tables are as they should be"
        blocked.unlink()
        until(lambda: told.read_text() == f"{first}\n{second}\n", "it is told again")


ELSEWHERE = HOOKS.replace('"work"', '"nothing"').format(told="", blocked="")


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("raise ImportError('no cache')", "it can't be loaded: no cache"),
        ("Noting = 7", "it is of type int, and no Hook"),
        (ELSEWHERE, "there is no projection 'nothing'"),
    ],
)
def test_a_hook_that_cannot_be_run(url: str, tmp_path: Path, code: str, reason: str) -> None:
    """Rather than to run without it, it does not begin."""
    ended = subprocess.run(
        [sys.executable, "-m", "eventstore", "projections", "run", "--once"],
        env=os.environ | {"EVENTSTORE_DATABASE_URL": url} | installed(tmp_path, code),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode == 2
    assert reason in ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize("address", ["nowhere", "127.0.0.1:", "127.0.0.1:99999", "256.1.1.1:80"])
def test_an_address_that_is_none(
    url: str, address: str, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["projections", "run", "--once", "--http", address, "--database-url", url]
    assert main(words) == 2
    assert "--http" in capsys.readouterr().err


def test_an_address_that_is_taken(url: str) -> None:
    from eventstore.errors import ConfigurationError

    with Observer(url, http="0") as observer:
        web = observer._web
        assert web is not None
        assert web.address.startswith("127.0.0.1:")
        with pytest.raises(ConfigurationError, match="can't listen"):
            Observer(url, http=web.address)


def test_what_it_says_can_be_read_by_machines(
    daemon: DaemonProcess, store: EventStore, url: str
) -> None:
    store.append("work_order-1", [ORDER])
    until(lambda: applied(daemon) == 1, "the event")
    daemon.process.send_signal(signal.SIGTERM)
    assert daemon.process.wait(20) == 0
    until(lambda: len(daemon.events("stopped")) == len(NAMES), "it says so")
    for line in daemon.said():
        assert list(line)[:3] == ["timestamp", "level", "event"]
    for line in [*daemon.events("lease acquired"), *daemon.events("stopped")]:
        assert (line["projection"] in NAMES, line["shard"]) == (True, 0)
        assert isinstance(line["position"], int)
    assert catch_up(url, Work()) == {}


def test_the_lines_of_logfmt(url: str) -> None:
    process = subprocess.run(
        [sys.executable, "-m", "eventstore", "projections", "run", "--once", "work"],
        env=os.environ | {"EVENTSTORE_DATABASE_URL": url},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    acquired = next(line for line in process.stderr.splitlines() if "lease acquired" in line)
    assert ' level=info event="lease acquired" projection=work shard=0 position=0 ' in acquired
