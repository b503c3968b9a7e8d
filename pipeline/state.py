"""What a run remembers so that the next need not look again: never needed, only saving time.

A table that was looked at and found unchanged makes no commit, so its last commit does not tell. The note here does,
and counts only while the versions it was written for are the newest.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from shared.models import write_atomically


@dataclass(frozen=True, slots=True)
class Memory:
    """Notes by table, in one folder."""

    folder: Path

    def recall(self, table: str) -> Mapping[str, object]:
        """Return the note on a table, empty where there is none that can be read."""
        try:
            return dict(json.loads((self.folder / f"{table}.json").read_bytes()))
        except (OSError, ValueError):
            return {}

    def note(self, table: str, content: Mapping[str, object]) -> None:
        """Keep a note on a table."""
        if self.recall(table) != content:
            write_atomically(self.folder / f"{table}.json", json.dumps(content, sort_keys=True).encode())
