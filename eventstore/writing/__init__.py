"""From a request to a receipt: the group commit, the calls of the database, imports."""
