"""The typed events, a module a context: importing this package makes all of them readable."""

from eventstore.vocabulary import packaging, projects, streams, trust, work, workspaces

__all__ = ["packaging", "projects", "streams", "trust", "work", "workspaces"]
