"""Projectors that follow the log, on any number of hosts."""
