"""What can be asked of each context: `store.execute` decides it and records what was decided.

from eventstore.commands import packaging
store.execute(packaging.RegisterPackage(...), agent="planner")
"""
