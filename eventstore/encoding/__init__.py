"""Between events and bytes: what may be stored, and how it is written and read."""
