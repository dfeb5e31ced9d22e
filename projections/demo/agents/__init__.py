"""The crew, an agent a file: each answers a message with what it does, and says so in the log."""
