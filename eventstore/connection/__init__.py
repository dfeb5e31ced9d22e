"""The way to the server: connections, roles, and statements that travel together."""
