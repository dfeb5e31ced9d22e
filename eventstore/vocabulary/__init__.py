"""The typed events, a module a context: importing this package makes all of them readable."""

from eventstore.vocabulary import packaging, trust, work

__all__ = ["packaging", "trust", "work"]
