"""What ingestion said of each row last, so that the same row said again changes nothing.

A file beside the lake that raw can always make anew: it tells up to which batch it has followed raw, and follows what
came since before it is asked. So a process killed between raw's commit and its own leaves nothing wrong.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from types import TracebackType
from typing import NamedTuple

from pipeline.ingest.checking import Verdict
from pipeline.raw import RawCommit, RawFile, RawZone

OWNER_ONLY = 0o600
TOGETHER = 500
"""Identities asked for in one statement."""
VERSION = 1
SCHEMA = f"""
DROP TABLE IF EXISTS known;
DROP TABLE IF EXISTS followed;
CREATE TABLE known (
  name TEXT, identity BLOB, content BLOB, region TEXT, PRIMARY KEY (name, identity)
) WITHOUT ROWID;
CREATE TABLE followed (batch TEXT PRIMARY KEY);
PRAGMA user_version = {VERSION};
"""


class Stands(NamedTuple):
    """What was last said of a row: a digest of it, and whose it is."""

    content: bytes
    region: str | None


Judge = Callable[[RawFile], Sequence[Verdict]]


class Known(AbstractContextManager["Known"]):
    """The file, opened. One process at a time writes it: whoever holds the source."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(OWNER_ONLY)
        self._db = sqlite3.connect(path, isolation_level=None, timeout=30)
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = NORMAL")
        if self._db.execute("PRAGMA user_version").fetchone()[0] != VERSION:
            # Of an older release: made anew from raw.
            self._db.executescript(SCHEMA)

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._db.close()

    def follow(self, raw: RawZone, source: str, judge: Judge) -> None:
        """Take in what raw has that this file has not; all of it anew where raw was emptied meanwhile."""
        commits = raw.commits(source)
        last = self._db.execute("SELECT batch FROM followed").fetchone()
        at = next((n for n, commit in enumerate(commits) if last and commit.batch == last[0]), None)
        if at is None:
            self._db.execute("DELETE FROM known")
        for commit in commits if at is None else commits[at + 1 :]:
            self.note(commit, ((file.table, judge(file)) for file in commit.files))

    def standing(self, table: str, identities: Iterable[bytes]) -> dict[bytes, Stands]:
        """Return how those stand that raw has, by identity."""
        found: dict[bytes, Stands] = {}
        wanted = list(identities)
        for begin in range(0, len(wanted), TOGETHER):
            part = wanted[begin : begin + TOGETHER]
            marks = ", ".join("?" * len(part))
            asked = f"SELECT identity, content, region FROM known WHERE name = ? AND identity IN ({marks})"  # noqa: S608
            found |= {row[0]: Stands(*row[1:]) for row in self._db.execute(asked, (table, *part))}
        return found

    def note(self, commit: RawCommit, files: Iterable[tuple[str, Sequence[Verdict]]]) -> None:
        """Keep what the files of a batch said, each of a table, and that it was followed."""
        self._db.execute("BEGIN IMMEDIATE")
        try:
            for table, found in files:
                entries = ((table, each.identity, each.content, each.region) for each in found)
                self._db.executemany("INSERT OR REPLACE INTO known VALUES (?, ?, ?, ?)", entries)
            self._db.execute("DELETE FROM followed")
            self._db.execute("INSERT INTO followed VALUES (?)", (commit.batch,))
            self._db.execute("COMMIT")
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
