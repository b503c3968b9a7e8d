"""Passwords known from breaches, looked up in a copy of the Pwned Passwords set, never over the network.

The copy is either a folder of range files as its downloader writes them (`ABCDE.txt`, lines `SUFFIX:COUNT`), or one
file of whole SHA-1 hashes sorted by hash (lines `HASH` or `HASH:COUNT`).

Source: haveibeenpwned.com/Passwords
"""

from __future__ import annotations

import asyncio
import hashlib
from pathlib import Path
from typing import BinaryIO

from shared.errors import FailedPrecondition

PREFIX = 5
HASH = 40


class BreachedSetMissing(FailedPrecondition):
    """The setting names a set of breached passwords that is not there."""

    reason = "BREACHED_SET_MISSING"


class Breached:
    """Tells whether a password is in the set; without a set, of none."""

    def __init__(self, place: Path | None = None) -> None:
        if place is not None and not place.exists():
            raise BreachedSetMissing(f"BREACHED_PASSWORDS is {place}, which is not there; mend it or leave it out")
        self._place = place

    async def holds(self, password: str) -> bool:
        """Return whether the password is known from a breach."""
        if self._place is None:
            return False
        # SHA-1 is what the set is keyed by; nothing is stored under it.
        digest = hashlib.sha1(password.encode("utf-8", "surrogatepass"), usedforsecurity=False).hexdigest().upper()
        return await asyncio.to_thread(self._look_up, self._place, digest)

    @staticmethod
    def _look_up(place: Path, digest: str) -> bool:
        if place.is_dir():
            return _in_range(place, digest)
        with place.open("rb") as file:
            return _in_sorted(file, place.stat().st_size, digest.encode())


def _in_range(folder: Path, digest: str) -> bool:
    prefix, suffix = digest[:PREFIX], digest[PREFIX:]
    found = [path for path in (folder / f"{prefix}.txt", folder / prefix) if path.exists()]
    if not found:
        return False
    lines = found[0].read_text(encoding="ascii", errors="replace").upper().split()
    # A count of 0 pads a range out: no breach stands behind it.
    return any(line.partition(":")[0] == suffix and line.partition(":")[2] != "0" for line in lines)


def _in_sorted(file: BinaryIO, size: int, digest: bytes) -> bool:
    """Return whether a hash stands in a sorted file of lines, halving the stretch it can be in."""
    low, high = 0, size
    while low < high:
        middle = (low + high) // 2
        file.seek(middle)
        if middle:
            file.readline()
        line = file.readline()[:HASH].upper()
        if line == digest:
            return True
        if line and line < digest:
            low = middle + 1
        else:
            high = middle
    return False
