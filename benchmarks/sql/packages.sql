-- name: make_tables
-- The read model of the package histories, live and, for the floors, bare: the same columns and
-- key without row security; and the floors' checkpoint.
CREATE TABLE projections.package_histories (
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
COMMENT ON TABLE projections.package_histories IS 'What became of each package, one row each.';
SELECT projections.protect('projections.package_histories')

-- name: make_bare_tables
-- What the floors write: the same table without row security, and a checkpoint.
CREATE TABLE public.package_histories (LIKE projections.package_histories INCLUDING ALL);
CREATE TABLE public.checkpoint (position bigint NOT NULL);
INSERT INTO public.checkpoint VALUES (0)
