"""The typed events, a module a context: importing this package makes all of them readable."""

from eventstore.vocabulary import packaging, projects, stream, trust, work, workspaces

__all__ = ["packaging", "projects", "stream", "trust", "work", "workspaces"]
