"""The SQL files of projections: once released, they stay as they are.

Tables that are live were made by them, and are compared with them; what a version of a projection
needs otherwise goes into the file of a new version.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
RELEASED = {
    "packaging_v1": "443e3b58aa0d0d86894a23d421f1d25ee995db60b5b0db266eeb0b0b31b370fe",
    "trust_v1": "c7ef83a131a8cd09980121ced4800603752f3be4340ebf82d3040eb09b40434f",
    "work_v1": "384538b0ad05aefe35a484d219ac4c48838a9a1039fcb7bdcb23d86cc0f48a99",
}
"""SHA-256 of each; a new file comes here with its release."""
NOT_YET = {"packaging_v2", "projects_v1", "trust_v2", "work_v2", "workspaces_v1"}
"""Those of the next release, which may still change."""


FILES = {file.stem: file for file in (ROOT / "projections").glob("*/*_v[0-9]*.sql")}


@pytest.mark.parametrize("name", RELEASED)
def test_a_released_file_is_never_changed(name: str) -> None:
    found = hashlib.sha256(FILES[name].read_bytes()).hexdigest()
    assert found == RELEASED[name], f"{name} was changed; make a file for a new version instead"


def test_every_file_is_listed() -> None:
    assert FILES.keys() == RELEASED.keys() | NOT_YET
