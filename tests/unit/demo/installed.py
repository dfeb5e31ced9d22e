"""Distributions as an installer would leave them, small and made by the test."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from pathlib import Path

METADATA = """\
Metadata-Version: 2.4
Name: {name}
Version: {version}
Summary: A distribution for a test
Author: The Testers
License-Expression: MIT
"""


def line(path: str, content: bytes, algorithm: str = "sha256") -> str:
    """A line of RECORD."""
    digest = base64.urlsafe_b64encode(hashlib.new(algorithm, content).digest()).rstrip(b"=")
    return f"{path},{algorithm}={digest.decode()},{len(content)}\n"


def install(
    site: Path,
    name: str,
    version: str = "1.0",
    *,
    files: Mapping[str, bytes] | None = None,
    metadata: str = METADATA,
    more_lines: str = "",
    info: Mapping[str, str] | None = None,
) -> Path:
    """Puts a distribution into `site` with a true RECORD; returns its dist-info.

    `info` holds further files of the dist-info; `more_lines` end RECORD.
    """
    here = site / f"{name}-{version}.dist-info"
    here.mkdir(parents=True)
    contents = {
        **(files if files is not None else {f"{name}/__init__.py": b"answer = 42\n"}),
        f"{here.name}/METADATA": metadata.format(name=name, version=version).encode(),
        **{f"{here.name}/{file}": text.encode() for file, text in (info or {}).items()},
    }
    for path, content in contents.items():
        (site / path).parent.mkdir(parents=True, exist_ok=True)
        (site / path).write_bytes(content)
    record = "".join(line(path, content) for path, content in contents.items())
    (here / "RECORD").write_text(f"{record}{more_lines}{here.name}/RECORD,,\n", encoding="utf-8")
    return here
