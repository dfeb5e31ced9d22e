"""Reads in order, subscriptions, and what people ask of the log."""
