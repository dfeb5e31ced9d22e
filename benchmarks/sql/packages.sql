-- name: make_bare_tables
-- What the floors write: the same table without row security, and a checkpoint.
CREATE TABLE public.package_histories (LIKE projections.package_histories INCLUDING ALL);
CREATE TABLE public.checkpoint (position bigint NOT NULL);
INSERT INTO public.checkpoint VALUES (0)
