"""A Delta table's log, read straight: what was committed when, and whether an entry is whole.

delta-rs takes an empty or cut-off entry for a commit without files, so a half-written table would read as an empty
one. Each entry is therefore held against what it says of itself before it is believed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote

import pyarrow.fs as pafs
from deltalake.fs import DeltaStorageHandler

NOTE = "note."
"""Prefix of what the writer noted in a commit, beside what delta-rs writes there."""
CARE, CHANGED = "lake.care", "lake.changed"
COMMIT_ID, ADDED, REMOVED = "lake.commit", "lake.added", "lake.removed"
"""What the lake itself says of a commit: the care done and the version whose rows it left as they were, a mark of its
own, how many files came and went."""
_ENTRY = re.compile(r"(\d{20})\.json")
_CHECKPOINT = re.compile(r"(\d{20})\.checkpoint\..*parquet")
_ADDED = (ADDED, "num_added_files", "num_target_files_added", "numFilesAdded")
_REMOVED = (REMOVED, "num_removed_files", "num_target_files_removed", "numFilesRemoved")


class BrokenEntry(Exception):
    """A log entry that is cut off, unreadable or not what it says of itself."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One file of the log, as listed."""

    version: int
    size: int
    mtime_ns: int


@dataclass(frozen=True, slots=True)
class Commit:
    """One change of a table."""

    version: int
    committed_at: datetime
    operation: str
    """What was done, in delta-rs's words (WRITE, MERGE), or the care that was taken (compact, vacuum)."""
    metadata: Mapping[str, str]
    """What the writer noted: the inputs it consumed, its code version."""
    metrics: Mapping[str, int]
    """Rows and files written, in delta-rs's words."""
    changed_version: int
    """The newest version up to this one that changed rows: this one itself, unless it is care that changed none."""
    care: str = ""
    """Not empty: care of the table, such as `compact`; its notes are those of the version before."""


class Log:
    """The `_delta_log` of one table, on a local folder or an object store."""

    def __init__(self, uri: str, storage_options: Mapping[str, str] | None = None) -> None:
        if "://" in uri:
            self.files: pafs.FileSystem = pafs.PyFileSystem(DeltaStorageHandler(uri, dict(storage_options or {})))
        else:
            self.files = pafs.SubTreeFileSystem(uri, pafs.LocalFileSystem())

    def entries(self) -> tuple[Entry, ...]:
        """Return the entries by version; none where there is no table."""
        found = ((_ENTRY.fullmatch(info.base_name), info) for info in self._listed())
        entries = [Entry(int(match[1]), info.size, info.mtime_ns or 0) for match, info in found if match]
        return tuple(sorted(entries, key=lambda entry: entry.version))

    def checkpoint(self, version: int) -> int:
        """Return the newest version up to `version` that a checkpoint sums the log up to; -1: there is none."""
        found = (_CHECKPOINT.fullmatch(info.base_name) for info in self._listed())
        return max((number for match in found if match and (number := int(match[1])) <= version), default=-1)

    def commit(self, version: int) -> Commit:
        """Return what one entry says; raises BrokenEntry where it is not whole, OSError where it is out of reach."""
        actions = self._actions(version)
        infos = [action["commitInfo"] for action in actions if "commitInfo" in action]
        if not infos:
            raise BrokenEntry(f"entry {version} of the log does not say what it is")
        metrics = {k: v for k, v in infos[0].get("operationMetrics", {}).items() if isinstance(v, int)}
        metrics |= {name: infos[0][name] for name in (ADDED, REMOVED) if isinstance(infos[0].get(name), int)}
        for names, action in ((_ADDED, "add"), (_REMOVED, "remove")):
            _complete(version, metrics, names, sum(action in each for each in actions))
        return _commit(version, infos[0], metrics)

    def paths(self, version: int) -> set[str]:
        """Return the data files that one entry adds or removes; raises BrokenEntry, OSError."""
        named = (action.get("add") or action.get("remove") for action in self._actions(version))
        return {unquote(file["path"]) for file in named if file}

    def added(self, version: int) -> set[str]:
        """Return the data files that one entry adds; raises BrokenEntry, OSError."""
        return {unquote(action["add"]["path"]) for action in self._actions(version) if "add" in action}

    def _listed(self) -> list[pafs.FileInfo]:
        listed: list[pafs.FileInfo] = self.files.get_file_info(pafs.FileSelector("_delta_log", allow_not_found=True))
        return listed

    def _actions(self, version: int) -> list[dict[str, Any]]:
        with self.files.open_input_file(f"_delta_log/{version:020}.json") as file:
            lines = file.read().splitlines()
        try:
            actions = [json.loads(line) for line in lines if line]
        except ValueError as error:
            raise BrokenEntry(f"entry {version} of the log is not JSON: {error}") from error
        if not all(map(_is_action, actions)):
            raise BrokenEntry(f"entry {version} of the log is not a list of actions")
        return actions


def _is_action(action: object) -> bool:
    """Return whether this is an object of named objects, where those that name a file do."""
    if not isinstance(action, dict) or not all(isinstance(told, dict) for told in action.values()):
        return False
    return all(isinstance(action[kind].get("path"), str) for kind in ("add", "remove") if kind in action)


def _complete(version: int, metrics: Mapping[str, int], names: tuple[str, ...], found: int) -> None:
    said = next((metrics[name] for name in names if name in metrics), found)
    if said != found:
        raise BrokenEntry(f"entry {version} of the log is cut off: it tells of {said} files and names {found}")


def _commit(version: int, info: Mapping[str, Any], metrics: Mapping[str, int]) -> Commit:
    try:
        committed_at = datetime.fromtimestamp(info["timestamp"] / 1000, UTC)
    except (KeyError, TypeError, ValueError) as error:
        raise BrokenEntry(f"entry {version} of the log does not say when it was made") from error
    noted = {key: value for key, value in info.items() if isinstance(value, str)}
    metadata = {key.removeprefix(NOTE): value for key, value in noted.items() if key.startswith(NOTE)}
    care = noted.get(CARE, "")
    # Care by an earlier release does not tell; it is taken for a change, so that what reads the table looks once more.
    changed = info.get(CHANGED, version)
    return Commit(version, committed_at, care or noted.get("operation", ""), metadata, metrics, int(changed), care)
