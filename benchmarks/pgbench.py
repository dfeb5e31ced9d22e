"""pgbench, from the same binaries as the server: what the server does without our client."""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
from pathlib import Path
from time import time
from typing import Final

from benchmarks.events import PAYLOAD
from benchmarks.sandbox import SQL, Database, Sandbox

__all__ = ["append_rate", "insert_rate"]

_RATE: Final = re.compile(r"^tps = ([0-9.]+) ", re.MULTILINE)


def insert_rate(sandbox: Sandbox, database: Database, clients: int, seconds: float) -> float:
    """Inserts a second into the bare table, one a transaction, prepared, by so many clients."""
    return _rate(sandbox, database.admin_url, "insert", clients, seconds)


def append_rate(sandbox: Sandbox, database: Database, clients: int, seconds: float) -> float:
    """Calls a second of the function that appends a lone event, as `insert_rate` inserts."""
    return _rate(sandbox, database.url, "append_one", clients, seconds, "eventstore_appender")


def _rate(
    sandbox: Sandbox, url: str, query: str, clients: int, seconds: float, role: str = "none"
) -> float:
    with tempfile.NamedTemporaryFile("w", suffix=".sql") as script:
        script.write(SQL[query])
        script.flush()
        Path(script.name).chmod(0o644)
        done = subprocess.run(
            [
                sandbox.server.binary("pgbench"),
                "--no-vacuum",
                "--protocol=prepared",
                f"--client={clients}",
                f"--jobs={min(clients, os.cpu_count() or 1)}",
                f"--time={max(1, round(seconds))}",
                f"--define=payload={PAYLOAD}",
                "--define=n=0",
                f"--define=turn={round(time() * 1000)}",
                f"--file={script.name}",
                url,
            ],
            env=os.environ | {"PGOPTIONS": f"-c role={role} -c plan_cache_mode=force_generic_plan"},
            capture_output=True,
            text=True,
            check=False,
        )
    found = _RATE.search(done.stdout)
    if done.returncode != 0 or found is None:
        raise RuntimeError(f"pgbench failed: {done.stderr.strip()[-500:]}")
    return float(found[1])
