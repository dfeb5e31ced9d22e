"""Read models: pure rules that turn the log into tables, and the engine that runs them.

`projections.catalogue` names the projections that there are; each context is a folder with its
rows, its rules and the SQL file of its tables. The engine's parts are folders: `apply`, `live`,
`builds`, `audit`, `hooks` and `monitor`.
"""

from projections.live.daemon import run_daemon
from projections.projection import Projection, Rows, State, on
from projections.row import Key, Row, table

__all__ = ["Key", "Projection", "Row", "Rows", "State", "on", "run_daemon", "table"]
