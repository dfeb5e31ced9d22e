-- name: make_table
-- The read model of the peers: a row a package.
CREATE TABLE IF NOT EXISTS released_packages (
    package        uuid PRIMARY KEY,
    releases       bigint NOT NULL,
    latest_release text NOT NULL
)

-- name: count_release
-- One event into its row, for psycopg.
INSERT INTO released_packages (package, releases, latest_release)
VALUES (%(package)s, 1, %(release)s)
ON CONFLICT (package) DO UPDATE
   SET releases = released_packages.releases + 1, latest_release = excluded.latest_release

-- name: count_release_named
-- The same for SQLAlchemy.
INSERT INTO released_packages (package, releases, latest_release)
VALUES (:package, 1, :release)
ON CONFLICT (package) DO UPDATE
   SET releases = released_packages.releases + 1, latest_release = excluded.latest_release
