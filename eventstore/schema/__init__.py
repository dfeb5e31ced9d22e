"""The database's roles and tables: made, migrated, and found to be as they should be."""
