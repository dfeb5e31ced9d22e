"""An importer that may be killed at any moment. Arguments: the database's URL, a number."""

from __future__ import annotations

import sys

from tests.integration.log.facts import open_store, said
from tests.integration.log.processes import answer, commands


def main() -> None:
    with open_store(sys.argv[1]) as store:
        for command in commands():
            store.append(command["stream_id"], said(3), batch_key=command["key"])
            answer("done")


if __name__ == "__main__":
    main()
