"""The embedded server comes up, is shared, and comes back, whatever was done to it."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import psutil
import psycopg
import pytest

from eventstore.embedded import EmbeddedServer, account, binaries
from eventstore.errors import ConfigurationError, StoreUnavailable

START = """
import sys
from pathlib import Path
from eventstore.embedded import EmbeddedServer
server = EmbeddedServer(Path(sys.argv[1]))
server.ensure_running()
print(server.status().pid, flush=True)
"""
OPEN = """
import sys
from eventstore.config import load
from eventstore.connection.server import prepare
print(prepare(load(home=sys.argv[1])))
"""


def python(code: str, *arguments: object, session: bool = False) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", code, *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=session,
    )


def said_by(process: subprocess.Popen[str]) -> str:
    out, err = process.communicate(timeout=90)
    assert process.returncode == 0, err
    return out.strip()


def wait_until(condition: Callable[[], bool], seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it never came true"
        time.sleep(0.005)


def admin(server: EmbeddedServer) -> closing[psycopg.Connection[tuple[object, ...]]]:
    return closing(psycopg.connect(server.admin_url(), autocommit=True))


def answer(server: EmbeddedServer) -> object:
    with admin(server) as connection:
        row = connection.execute("SELECT 42").fetchone()
    return row and row[0]


def pid_of(server: EmbeddedServer) -> int:
    pid = server.status().pid
    assert pid is not None
    return pid


@pytest.fixture
def fresh(home: Path) -> EmbeddedServer:
    server = EmbeddedServer(home)
    server.ensure_running()
    return server


def test_processes_that_start_at_once_share_one_server(home: Path) -> None:
    pids = {said_by(each) for each in [python(START, home) for _ in range(4)]}
    assert pids == {str(pid_of(EmbeddedServer(home)))}


def test_processes_that_open_at_once_share_one_new_store(home: Path) -> None:
    urls = {said_by(each) for each in [python(OPEN, home) for _ in range(4)]}
    assert urls == {EmbeddedServer(home).url()}
    with closing(psycopg.connect(urls.pop())) as connection:
        connection.execute("SET ROLE eventstore_auditor")
        assert connection.execute("SELECT count(*) FROM eventstore.events").fetchone() == (0,)


def test_the_server_outlives_the_process_that_started_it(home: Path) -> None:
    pid = said_by(python(START, home))
    server = EmbeddedServer(home)
    assert answer(server) == 42
    assert server.status().state == "running"
    assert pid_of(server) == int(pid)


def test_ctrl_c_in_the_terminal_of_the_starter_does_not_reach_the_server(home: Path) -> None:
    code = START + "import time; time.sleep(60)"
    starter = python(code, home, session=True)
    assert starter.stdout is not None
    pid = int(starter.stdout.readline())
    os.killpg(starter.pid, signal.SIGINT)
    starter.communicate(timeout=30)
    assert pid_of(EmbeddedServer(home)) == pid
    assert answer(EmbeddedServer(home)) == 42


@pytest.mark.parametrize("moment", ["server.lock", "data.new-*", "data", "data/postmaster.pid"])
def test_a_starter_may_be_killed_at_any_moment(home: Path, moment: str) -> None:
    starter = python(START, home)
    wait_until(lambda: any(home.glob(moment)))
    starter.kill()
    starter.communicate()
    server = EmbeddedServer(home)
    server.ensure_running()
    assert answer(server) == 42


def test_it_comes_back_after_kill_9_with_all_that_was_committed(fresh: EmbeddedServer) -> None:
    with admin(fresh) as connection:
        connection.execute("CREATE TABLE kept AS SELECT generate_series(1, 1000) AS n")
        os.kill(pid_of(fresh), signal.SIGKILL)
    fresh.ensure_running()
    with admin(fresh) as connection:
        assert connection.execute("SELECT count(*) FROM kept").fetchone() == (1000,)


def test_it_comes_back_while_an_orphan_is_busy(fresh: EmbeddedServer) -> None:
    """A backend in a long computation doesn't notice that its postmaster is gone."""
    connection = psycopg.connect(fresh.admin_url(), autocommit=True)
    orphan = connection.info.backend_pid

    def compute() -> None:
        with pytest.raises(psycopg.OperationalError):
            connection.execute("SELECT count(*) FROM generate_series(1, 10000000000) AS n")

    thread = threading.Thread(target=compute)
    thread.start()
    with admin(fresh) as other:
        wait_until(lambda: _is_active(other, orphan))
    os.kill(pid_of(fresh), signal.SIGKILL)
    fresh.ensure_running()
    assert answer(fresh) == 42
    thread.join(30)
    connection.close()
    assert not thread.is_alive()


def _is_active(connection: psycopg.Connection[tuple[object, ...]], pid: int) -> bool:
    query = "SELECT state FROM pg_stat_activity WHERE pid = %s"
    return connection.execute(query, [pid]).fetchone() == ("active",)


def test_many_processes_heal_it_at_once(fresh: EmbeddedServer) -> None:
    before = pid_of(fresh)
    os.kill(before, signal.SIGKILL)
    pids = {said_by(each) for each in [python(START, fresh.home) for _ in range(4)]}
    assert pids == {str(pid_of(fresh))}
    assert pids != {str(before)}


def test_a_stale_pid_file_whose_number_is_taken_is_no_obstacle(fresh: EmbeddedServer) -> None:
    """After a reboot some other program can have the old postmaster's number."""
    data = fresh.status().data
    left = (data / "postmaster.pid").read_text().splitlines()
    fresh.stop()
    taken = str(os.getpid())
    (data / "postmaster.pid").write_text("\n".join([taken, *left[1:]]) + "\n")
    (data / ".s.PGSQL.5432.lock").write_text("\n".join([taken, *left[1:5]]) + "\n")
    assert fresh.status().state == "stopped"
    fresh.ensure_running()
    assert answer(fresh) == 42


def test_a_lost_socket_is_made_again(fresh: EmbeddedServer) -> None:
    fresh.status().socket.unlink()
    fresh.ensure_running()
    assert answer(fresh) == 42


def test_stop_is_said_once(fresh: EmbeddedServer) -> None:
    assert fresh.stop()
    assert fresh.status().state == "stopped"
    assert not fresh.stop()


def test_asking_changes_nothing(home: Path) -> None:
    server = EmbeddedServer(home / "deeper")
    assert server.status().state == "absent"
    assert not server.stop()
    assert not (home / "deeper").exists()


def test_a_home_with_an_odd_name(home: Path) -> None:
    home.chmod(0o755)
    server = EmbeddedServer(home / 'it\'s "o$d" & `%41`')
    try:
        server.ensure_running()
        assert answer(server) == 42
        assert server.status().socket.parent == server.home / "data"
    finally:
        server.stop()


@pytest.mark.parametrize("name", ["long" * 30, "a,b"])
def test_a_home_that_cannot_hold_a_socket(home: Path, name: str) -> None:
    home.chmod(0o755)
    server = EmbeddedServer(home / name)
    try:
        server.ensure_running()
        assert answer(server) == 42
        directory = server.status().socket.parent
        assert directory.parent == Path("/tmp")
        assert stat.S_IMODE(directory.stat().st_mode) == 0o700
        os.kill(pid_of(server), signal.SIGKILL)
        server.ensure_running()
        assert answer(server) == 42
    finally:
        server.stop()
        directory.rmdir()


def test_nobody_else_reaches_the_socket_or_the_files(fresh: EmbeddedServer) -> None:
    status = fresh.status()
    for directory in (status.data, status.socket.parent):
        assert stat.S_IMODE(directory.stat().st_mode) == 0o700
    assert not fresh.home.stat().st_mode & stat.S_IRWXO
    with admin(fresh) as connection:
        assert connection.execute("SHOW listen_addresses").fetchone() == ("",)


def test_a_server_flushes_and_checks_its_pages(durable_server: EmbeddedServer) -> None:
    with admin(durable_server) as connection:
        for setting in ("fsync", "full_page_writes", "synchronous_commit", "data_checksums"):
            assert connection.execute("SELECT current_setting(%s)", [setting]).fetchone() == ("on",)


@pytest.mark.parametrize(("version", "what"), [(None, "no PostgreSQL"), ("15", "of PostgreSQL 15")])
def test_a_foreign_directory_is_left_alone(home: Path, version: str | None, what: str) -> None:
    (home / "data").mkdir()
    (home / "data" / "precious").write_text("mine")
    if version is not None:
        (home / "data" / "PG_VERSION").write_text(f"{version}\n")
    with pytest.raises(ConfigurationError, match=rf"EVENTSTORE_HOME: .*{what}.*move it away"):
        EmbeddedServer(home).ensure_running()
    assert (home / "data" / "precious").read_text() == "mine"


def test_a_home_that_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigurationError, match=r"EVENTSTORE_HOME: .* can't be used"):
        EmbeddedServer(tmp_path / "file").ensure_running()


def test_a_start_that_fails_says_why_and_can_be_mended(fresh: EmbeddedServer) -> None:
    settings = fresh.status().data / "postgresql.conf"
    good = settings.read_text()
    fresh.stop()
    settings.write_text(good + "\nshared_buffers = 'plenty'\n")
    with pytest.raises(StoreUnavailable, match=r"did not start: .*see .*log"):
        fresh.ensure_running()
    settings.write_text(good)
    fresh.ensure_running()
    assert answer(fresh) == 42


def test_the_environment_of_other_servers_is_ignored(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGPORT", "6666")
    monkeypatch.setenv("PGDATA", "/nowhere")
    monkeypatch.setenv("PGUSER", "nobody")
    monkeypatch.setenv("PGDATABASE", "nothing")
    server = EmbeddedServer(home)
    server.ensure_running()
    assert answer(server) == 42


root_only = pytest.mark.skipif(os.geteuid() != 0, reason="only root runs it as another account")


@pytest.fixture
def state(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Another place than /var/lib/eventstore."""
    directory = home / "state"
    monkeypatch.setattr(account, "STATE", directory)
    monkeypatch.setattr(binaries, "STATE", directory)
    home.chmod(0o755)
    binaries.directory.cache_clear()
    yield directory
    binaries.directory.cache_clear()


@root_only
def test_root_runs_it_as_an_account_without_rights(fresh: EmbeddedServer) -> None:
    assert psutil.Process(pid_of(fresh)).uids().effective != 0


@root_only
def test_what_the_account_cannot_reach_is_kept_elsewhere(
    home: Path, state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed = home / "closed"
    closed.mkdir(mode=0o700)
    monkeypatch.setattr(binaries, "_runnable", lambda program: False)
    server = EmbeddedServer(closed / "home")
    try:
        server.ensure_running()
        assert answer(server) == 42
        assert server.status().data.is_relative_to(state)
        assert server.binary("psql").is_relative_to(state)
        assert stat.S_IMODE(closed.stat().st_mode) == 0o700
        closed.chmod(0o755)  # where a cluster is, it stays
        assert answer(EmbeddedServer(closed / "home")) == 42
    finally:
        server.stop()
