"""Recorded runs of other systems, as events: a reader a format, and the runner over files."""
