"""Ids and other names made of hashes: they tell nothing of what they name, nor of when it came about."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.generate.columns import hexes
from pipeline.generate.consequences.draws import mixed

if TYPE_CHECKING:
    from pipeline.generate.consequences.draws import Words
    from pipeline.generate.world import Flags


def coded(prefix: str, words: Words) -> pa.Array:
    """Return the prefix and 16 hexadecimal digits for each word; different words have different names."""
    digits = hexes(words[:, None]) if len(words) else pa.array([], pa.string())
    return pc.binary_join_element_wise(pa.scalar(prefix), digits, "")


def secrets_of(words: Words, seed: int, missing: Flags) -> pa.Array:
    """Return 64 hexadecimal digits for each word, as an HMAC-SHA-256 looks; null where missing."""
    if not len(words):
        return pa.array([], pa.string())
    salt = mixed(np.array([seed], dtype=np.uint64) + np.uint64(77))
    texts = hexes(np.column_stack([mixed(mixed(words + np.uint64(n << 60)) ^ salt) for n in range(1, 5)]))
    return pc.if_else(pa.array(missing), pa.scalar(None, pa.string()), texts)
