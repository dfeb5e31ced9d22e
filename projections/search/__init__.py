"""Search in read models: by meaning (pgvector), by words (full text), and by both, fused.

    from projections.search import embedder, search

    search(store, "knowledge_items", "silent install", embedder=embedder("hashing"))

A table is searchable when its rows say by which columns (`searched`), and a rule of its projection
takes embeddings. These are computed after commits by a hook, recorded as events, and so are there
for a replay without any model.
"""

from projections.search.embedder import Embedder, embedder
from projections.search.search import Found, Mode, Reach, search

__all__ = ["Embedder", "Found", "Mode", "Reach", "embedder", "search"]
