"""Commands and transactions: what a stream says now, and what is decided on it."""
