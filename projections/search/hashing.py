"""Vectors from the words alone, without a model: nothing to install, the same on every machine.

Every word, and every three letters in a row, is one number of the vector, chosen by a hash; its
sign is too, so that what falls together by chance evens out. Two texts are near when they share
words, or parts of words, and not when they say the same with others: that takes a model.
"""

from __future__ import annotations

import hashlib
import math
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Final

from eventstore.encoding.vector import Vector

__all__ = ["HashingEmbedder"]

_WORD: Final = re.compile(r"\w+")
_LONGEST: Final = 20_000
"""Characters of a text that count."""
_PART: Final = 0.35
"""How much three letters count, beside a whole word."""


class HashingEmbedder:
    """The hashing trick over words and their parts; equal texts give equal vectors."""

    name = "hashing-384-v1"
    dimensions = 384

    def embed(self, texts: Sequence[str]) -> list[Vector]:
        """A vector of length 1 for each text."""
        return [self._embed(text) for text in texts]

    def _embed(self, text: str) -> Vector:
        numbers = [0.0] * self.dimensions
        lower = text[:_LONGEST].casefold()
        features = Counter(_features(lower)) or Counter({lower: 1})
        for feature, count in features.items():
            digest = hashlib.blake2b(feature.encode(errors="replace"), digest_size=8).digest()
            place = int.from_bytes(digest[:6], "big") % self.dimensions
            weight = (_PART if feature.startswith("#") else 1.0) * (1.0 + math.log(count))
            numbers[place] += weight if digest[6] & 1 else -weight
        length = math.sqrt(math.fsum(number * number for number in numbers))
        if not length:  # all has evened out, or there was nothing
            return Vector([1.0, *numbers[1:]])
        return Vector(number / length for number in numbers)


def _features(text: str) -> Iterator[str]:
    for word in _WORD.findall(text):
        yield word
        padded = f"<{word}>"
        for start in range(len(padded) - 2):
            yield f"#{padded[start : start + 3]}"
