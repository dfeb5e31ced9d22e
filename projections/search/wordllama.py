"""A small model that its package carries: meaning beyond the same words, offline and on any CPU.

WordLlama averages word vectors that come from large language models: 16 MB, no network, thousands
of texts a second. It is there with `pip install agent-eventstore[embed]`.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from eventstore.encoding.vector import Vector

__all__ = ["WordLlamaEmbedder"]

_PADDING = [0.0] * 128


class WordLlamaEmbedder:
    """The 256 numbers of WordLlama's own model, and 128 zeros.

    Zeros change no cosine; with them the vectors have the 384 dimensions that there is an index
    for.
    """

    name = "wordllama-l2-supercat-256"
    dimensions = 384

    def __init__(self) -> None:
        import wordllama

        # It looks for its tokenizer in a wrong folder of its own package, and would download it.
        there = Path(wordllama.__file__).parent
        self._model: Any = wordllama.WordLlama.load(cache_dir=there, disable_download=True)

    def embed(self, texts: Sequence[str]) -> list[Vector]:
        """A vector of length 1 for each text."""
        found = self._model.embed(list(texts), norm=True).astype("float32").tolist()
        return [Vector(numbers + _PADDING) for numbers in found]
