"""The read-through cache: what is read often is kept in Valkey, and forgotten as events change it.

It is correct without anybody's luck. An entry counts only under the epoch in which it was made, and
an epoch lasts only as long as somebody in touch with both the log and the cache keeps it alive: the
daemon that runs the hook of `invalidation`. Whatever is lost, killed, flushed, slow or full, a read
that finds no living epoch goes to the database.
"""
