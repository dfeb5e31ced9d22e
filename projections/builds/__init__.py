"""Rows made anew from the log, beside the live ones, and put in their place."""
