-- The read model of the package histories.
CREATE TABLE package_histories (
    tenant_id      text COLLATE "C" NOT NULL,
    package        text COLLATE "C" NOT NULL,
    changes        bigint NOT NULL,
    releases       bigint NOT NULL,
    latest_release text,
    latest_commit  text NOT NULL,
    removed        boolean NOT NULL,
    created_at     timestamptz NOT NULL,
    updated_at     timestamptz NOT NULL,
    position       bigint NOT NULL,
    PRIMARY KEY (tenant_id, package)
);
COMMENT ON TABLE package_histories IS 'What became of each package, one row each.';
SELECT projections.protect('package_histories');
