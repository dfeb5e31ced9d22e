"""What people and agents may ask for, a package a context: rules decided before the log says so.

Each command is executed with `store.execute`; the guide lists the streams that they write.
"""
