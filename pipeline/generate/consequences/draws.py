"""Randomness that belongs to a thing, not to a place in a sequence.

Each number is a hash (the finaliser of splitmix64, Steele et al. 2014) of seed, stream and keys, such as an order's
number: what happens to an order depends on nothing but the order, however the orders are cut into chunks.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pipeline.generate.world import Flags, Floats, Whole

    Words: TypeAlias = NDArray[np.uint64]
    Keys: TypeAlias = NDArray[Any] | int

_UNIT = 2.0**-53


@dataclass(frozen=True, slots=True)
class Draws:
    """Hash-based draws of one seed; the same stream and keys give the same number, always."""

    seed: int

    def words(self, stream: str, *keys: Keys) -> Words:
        """Return 64 random bits for each combination of keys (arrays of one length, or single numbers)."""
        begun = blake2b(f"{self.seed}/{stream}".encode(), digest_size=8).digest()
        state: Words = np.array([int.from_bytes(begun, "little")], dtype=np.uint64)
        for key in keys:
            state = mixed(state + np.atleast_1d(np.asarray(key)).astype(np.uint64))
        return state

    def uniform(self, stream: str, *keys: Keys) -> Floats:
        """Return numbers from 0 up to, not including, 1."""
        made: Floats = (self.words(stream, *keys) >> np.uint64(11)).astype(np.float64) * _UNIT
        return made

    def chance(self, probability: Floats | float, stream: str, *keys: Keys) -> Flags:
        """Return True with a probability."""
        made: Flags = self.uniform(stream, *keys) < probability
        return made

    def below(self, end: Whole | int, stream: str, *keys: Keys) -> Whole:
        """Return whole numbers from 0 up to, not including, `end`."""
        made: Whole = (self.uniform(stream, *keys) * end).astype(np.int64)
        return made

    def normal(self, stream: str, *keys: Keys) -> Floats:
        """Return standard normal numbers (Box-Muller)."""
        radius = np.sqrt(-2.0 * np.log1p(-self.uniform(stream, *keys)))
        made: Floats = radius * np.cos(2 * np.pi * self.uniform(stream + "'", *keys))
        return made

    def picked(self, weights: Floats, stream: str, *keys: Keys) -> Whole:
        """Return indices with chances in proportion to `weights`."""
        bounds = np.cumsum(weights, dtype=np.float64)
        at = np.searchsorted(bounds, self.uniform(stream, *keys) * bounds[-1], side="right")
        made: Whole = np.minimum(at, len(bounds) - 1)
        return made


def mixed(words: Words) -> Words:
    """Return each word scrambled; a bijection, so different words stay different."""
    made = words + np.uint64(0x9E3779B97F4A7C15)
    made ^= made >> np.uint64(30)
    made *= np.uint64(0xBF58476D1CE4E5B9)
    made ^= made >> np.uint64(27)
    made *= np.uint64(0x94D049BB133111EB)
    made ^= made >> np.uint64(31)
    return made
