"""Other event stores beside ours: what an append, a read and a tail cost, on the same server.

Each store is a module `with_X.py` that keeps the protocol of `adapter.py`; it runs in a process of
its own, in an environment that `environment.py` makes from the registries, driven by `driver.py`
(emmett by `with_emmett.mjs`, which answers to the same commands in Node). Nothing that runs there
imports the event store, ours aside.
"""
