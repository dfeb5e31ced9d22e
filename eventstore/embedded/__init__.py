"""The embedded PostgreSQL server: a local service that comes with the package.

It starts when a store first needs it, outlives the process that started it, and stops with
`eventstore db down`. It listens on a Unix socket only. Whatever happened before (kill -9 of the
server or of its starter, a reboot, an interrupted initdb), `ensure_running` makes it answer again.
"""

from eventstore.embedded.server import APPLICATION_LOGIN, EmbeddedServer, ServerStatus

__all__ = ["APPLICATION_LOGIN", "EmbeddedServer", "ServerStatus"]
