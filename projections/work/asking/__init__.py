"""What is asked about work, a module a subject; `queries.py` has all of it in one."""
