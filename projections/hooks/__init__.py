"""Side effects of a projection: what runs after its commits, at least once.

    class DropFromCache(Hook):
        name, projection = "cache", "work"

        def after_commit(self, changes: Changes) -> None:
            for key in changes.rows[WorkItem]:
                cache.delete(key)

A hook is called by the process that keeps the projection's tables up to date, in a thread of its
own: it does not slow the projection down, nor another hook. Where it is, is in projections.hooks.
"""

from projections.hooks.hook import Changes, Hook

__all__ = ["Changes", "Hook"]
