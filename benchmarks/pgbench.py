"""pgbench, from the same binaries as the server: what the server does without us."""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
from pathlib import Path
from typing import Final

from benchmarks.events import PAYLOAD
from benchmarks.sandbox import SQL, Database, Sandbox

__all__ = ["insert_rate"]

_RATE: Final = re.compile(r"^tps = ([0-9.]+) ", re.MULTILINE)


def insert_rate(sandbox: Sandbox, database: Database, clients: int, seconds: float) -> float:
    """Inserts a second into the bare table, one a transaction, prepared, by so many clients."""
    with tempfile.NamedTemporaryFile("w", suffix=".sql") as script:
        script.write(SQL["insert"])
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
                f"--file={script.name}",
                database.admin_url,
            ],
            capture_output=True,
            text=True,
            check=False,
        )
    found = _RATE.search(done.stdout)
    if done.returncode != 0 or found is None:
        raise RuntimeError(f"pgbench failed: {done.stderr.strip()[-500:]}")
    return float(found[1])
