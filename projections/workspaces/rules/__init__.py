"""The rules of workspaces, a module a subject; `projections.workspaces.Workspaces` has them all."""
