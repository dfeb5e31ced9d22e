"""What somebody changes about live tables by hand is found, and nothing else is."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress

import psycopg
import pytest

from eventstore.cli.main import main
from eventstore.connection.database import connect
from projections.audit import drift
from projections.audit.drift import Drift
from projections.builds.rebuild import rebuild
from projections.catalogue import PROJECTIONS, projection
from projections.session import Connection
from tests.integration.projections.things import Things
from tests.integration.projections.things_anew import FUNCTION, ThingsAnew


@pytest.fixture
def owner(url: str) -> Iterator[Connection]:
    with connect(url, role="owner") as opened:
        yield opened


def test_tables_are_as_their_file_makes_them(url: str, owner: Connection) -> None:
    """Those that the migrations made, and those of a rebuild."""
    for each in (*PROJECTIONS, Things()):
        assert drift.check(owner, [each]).drifts == ()
        rebuild(url, each)
        assert drift.check(owner, [each]).drifts == ()


HARMS: list[tuple[str, list[tuple[str, str | None, str | None]]]] = [
    (
        "ALTER TABLE packages ADD COLUMN extra int DEFAULT 1",
        [("column packages.extra", None, "integer DEFAULT 1")],
    ),
    (
        "ALTER TABLE packages DROP COLUMN description",
        [
            ("column packages.description", "text", None),
            (
                "comment on column packages.description",
                "What the software is, for people.",
                None,
            ),
        ],
    ),
    (
        "ALTER TABLE packages ALTER description TYPE varchar(9)",
        [("column packages.description", "text", "character varying(9)")],
    ),
    (
        'ALTER TABLE packages ALTER description TYPE text COLLATE "C"',
        [("column packages.description", "text", 'text COLLATE "C"')],
    ),
    (
        "ALTER TABLE packages ALTER publisher DROP NOT NULL",
        [("column packages.publisher", "text NOT NULL", "text")],
    ),
    (
        "ALTER TABLE packages ALTER tags SET DEFAULT '[1]'",
        [
            (
                "column packages.tags",
                "jsonb NOT NULL DEFAULT '[]'::jsonb",
                "jsonb NOT NULL DEFAULT '[1]'::jsonb",
            )
        ],
    ),
    (
        "ALTER TABLE installers DROP CONSTRAINT installers_size_bytes_check",
        [
            (
                "constraint installers.installers_size_bytes_check",
                "CHECK (size_bytes >= 0)",
                None,
            )
        ],
    ),
    (
        "ALTER TABLE installers DROP CONSTRAINT installers_tenant_id_package_id_fkey, "
        "ADD CONSTRAINT installers_tenant_id_package_id_fkey "
        "FOREIGN KEY (tenant_id, package_id) REFERENCES packages ON DELETE CASCADE NOT VALID",
        [
            (
                "constraint installers.installers_tenant_id_package_id_fkey",
                "FOREIGN KEY (tenant_id, package_id) REFERENCES packages(tenant_id, id) "
                "ON DELETE RESTRICT",
                "FOREIGN KEY (tenant_id, package_id) REFERENCES packages(tenant_id, id) "
                "ON DELETE CASCADE NOT VALID",
            )
        ],
    ),
    (
        "ALTER TABLE installers RENAME CONSTRAINT installers_pkey TO p",
        [
            ("constraint installers.installers_pkey", "PRIMARY KEY (tenant_id, id)", None),
            ("constraint installers.p", None, "PRIMARY KEY (tenant_id, id)"),
        ],
    ),
    (
        "DROP INDEX packages_status; "
        "CREATE INDEX packages_status ON packages (tenant_id, status DESC); "
        "COMMENT ON INDEX packages_status IS 'Packages by status, the oldest first.'",
        [
            (
                "index packages.packages_status",
                "CREATE INDEX packages_status ON packages USING btree "
                "(tenant_id, status, created_at, id)",
                "CREATE INDEX packages_status ON packages USING btree (tenant_id, status DESC)",
            )
        ],
    ),
    (
        "CREATE POLICY everybody ON packages FOR SELECT USING (true)",
        [("policy packages.everybody", None, "PERMISSIVE FOR SELECT TO PUBLIC USING (true)")],
    ),
    (
        "ALTER TABLE packages NO FORCE ROW LEVEL SECURITY",
        [
            (
                "table packages",
                "plain, owner eventstore_owner, row security forced",
                "plain, owner eventstore_owner, row security not forced",
            )
        ],
    ),
    (
        "ALTER TABLE packages SET (fillfactor = 50)",
        [
            (
                "table packages",
                "plain, owner eventstore_owner, row security forced",
                "plain, owner eventstore_owner, row security forced, fillfactor=50",
            )
        ],
    ),
    (
        "REVOKE DELETE ON packages FROM eventstore_projector; "
        "GRANT UPDATE (name) ON packages TO PUBLIC",
        [
            (
                "grant on packages to eventstore_projector",
                "DELETE, INSERT, SELECT, UPDATE",
                "INSERT, SELECT, UPDATE",
            ),
            ("grant on packages.name to PUBLIC", None, "UPDATE"),
        ],
    ),
    (
        "CREATE TRIGGER t BEFORE UPDATE ON packages FOR EACH ROW "
        "EXECUTE FUNCTION suppress_redundant_updates_trigger()",
        [
            (
                "trigger packages.t",
                None,
                "CREATE TRIGGER t BEFORE UPDATE ON packages FOR EACH ROW "
                "EXECUTE FUNCTION suppress_redundant_updates_trigger()",
            )
        ],
    ),
    (
        "COMMENT ON TABLE packages IS NULL; COMMENT ON CONSTRAINT packages_installer ON "
        "packages IS 'x'; COMMENT ON INDEX packages_in_use IS 'y'",
        [
            (
                "comment on constraint packages.packages_installer",
                "Checked at commit, because packages and their parts point at each other: a "
                "batch writes the package first. The current installer can't be deleted.",
                "x",
            ),
            (
                "comment on index packages.packages_in_use",
                "Among the packages in use, one for each publisher, name and version; a "
                "deleted one gives its name free.",
                "y",
            ),
            (
                "comment on table packages",
                "Software packages on their way from draft to approval, one row each.",
                None,
            ),
        ],
    ),
    (
        "DROP TABLE process_history",
        [("table process_history", "plain, owner eventstore_owner, row security forced", None)],
    ),
]


def test_a_change_by_hand_is_found_and_cured_by_a_rebuild(url: str, owner: Connection) -> None:
    packaging = projection("packaging")
    for harm, expected in HARMS:
        with owner.transaction(force_rollback=True):
            owner.execute(harm.encode(), prepare=False)
            found = drift.check(owner, [packaging]).drifts
        assert list(found) == [Drift(*each) for each in expected]
    done = 0
    for harm, _ in HARMS:
        with suppress(psycopg.errors.UndefinedColumn):  # what a former one did away with
            owner.execute(harm.encode(), prepare=False)
            done += 1
    assert done >= len(HARMS) - 2
    assert drift.check(owner, [packaging]).drifts
    rebuild(url, packaging)
    assert drift.check(owner, [packaging]).drifts == ()


def test_every_part_of_a_table_is_looked_at(url: str, owner: Connection) -> None:
    """Whatever one of the tables has and a bare one has not."""
    owner.execute(FUNCTION)
    rebuild(url, ThingsAnew())
    owner.execute("DROP TABLE labels")
    owner.execute("CREATE TABLE labels ()")
    found = {
        each.thing.partition(" labels")[0]: each
        for each in drift.check(owner, [ThingsAnew()]).drifts
    }
    assert found.keys() == {
        "column",
        "comment on index",
        "constraint",
        "grant on",
        "index",
        "policy",
        "table",
        "trigger",
    }
    policy = "RESTRICTIVE FOR UPDATE TO eventstore_projector USING (true) WITH CHECK (part_no > 0)"
    assert policy in {each.expected for each in drift.check(owner, [ThingsAnew()]).drifts}


def test_tables_of_another_version_than_is_known(owner: Connection) -> None:
    (found,) = drift.check(owner, [ThingsAnew()]).drifts
    assert found == Drift("projection_version", "7", "1")


def test_what_the_check_of_the_database_says(url: str, owner: Connection) -> None:
    (finding,) = drift.findings(url)
    assert (finding.check, finding.ok) == ("read models", True)
    owner.execute("ALTER TABLE packages ALTER publisher DROP NOT NULL")
    owner.execute("UPDATE live_tables SET projection_version = 9 WHERE projection = 'trust'")
    owner.execute("DELETE FROM live_tables WHERE projection = 'work'")
    (finding,) = drift.findings(url)
    assert not finding.ok
    assert finding.detail == "column packages.publisher of packaging, projection_version of trust"
    assert "projections check" in finding.cure


def test_the_command(database_url: str, admin_url: str, capsys: pytest.CaptureFixture[str]) -> None:
    def call(*words: str) -> tuple[int, str]:
        code = main(["projections", "check", *words, "--database-url", database_url])
        return code, capsys.readouterr().out

    code, out = call("--all")
    assert code == 0
    assert "packaging  tables of version 2, as their SQL file makes them" in out
    with connect(database_url, role="owner") as owner:
        owner.execute("ALTER TABLE work_items ALTER status DROP NOT NULL")
    assert call("packaging")[0] == 0
    code, out = call("work", "trust")
    assert code == 6
    assert "column work_items.status" in out
    code, out = call("--all", "--json")
    assert code == 6
    assert [(each["projection"], each["drifts"]) for each in json.loads(out)] == [
        ("packaging", []),
        ("projects", []),
        ("trust", []),
        (
            "work",
            [
                {
                    "thing": "column work_items.status",
                    "expected": 'text COLLATE "C" NOT NULL',
                    "found": 'text COLLATE "C"',
                }
            ],
        ),
        ("workspaces", []),
    ]
    with connect(database_url, role="owner") as owner:
        owner.execute("DELETE FROM live_tables WHERE projection = 'work'")
    assert call("--all")[0] == 0
    assert call("work")[0] == 1
    assert call("nothing")[0] == 3
    assert call()[0] == 2
