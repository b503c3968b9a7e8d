"""The care of every table by its policy: what would be done, and doing it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pyarrow as pa

from pipeline.sources.source import without_values
from shared.engine import Engine
from shared.errors import PlatformError
from shared.lake import Lake
from shared.lake.archive import old_files
from shared.lake.care import Care, scattered
from shared.lake.policies import Policies, Policy, month_before
from shared.lake.target import standing
from shared.lake.vacuum import waste


def care_for(lake: Lake, engine: Engine, table: str, policies: Policies) -> Iterator[Care]:
    """Yield what was done to a table: compacted, clustered, old months archived, what nothing needs deleted.

    What fails is told in a sentence, and the rest is done all the same.
    """
    policy = policies.of(table)
    yield from _tried(table, "compact", lambda: lake.compact(table, engine))
    if policy.cluster and _is_due(lake, table):
        yield from _tried(table, "cluster", lambda: lake.cluster(table, policy.cluster))
    before = _archive_before(lake, table, policy)
    if before:
        yield from _tried(table, "archive", lambda: lake.archive(table, before))
    yield from _tried(table, "vacuum", lambda: lake.vacuum(table, policy.history_days))


def planned(lake: Lake, table: str, policies: Policies) -> Iterator[Care]:
    """Yield what would be done to a table; nothing is."""
    policy, target = policies.of(table), lake.target(table)
    months = scattered(target)
    files = [file for each in months.values() for file in each]
    if files:
        size = sum(file.bytes for file in files)
        yield Care(table, "compact", None, len(files), len(months), size, size, "about as many bytes after as before")
    if policy.cluster and _is_due(lake, table):
        yield Care(table, "cluster", note=f"by {', '.join(policy.cluster)}")
    before = _archive_before(lake, table, policy)
    old = old_files(target, before) if before else []
    if old:
        size = sum(file.bytes for file in old)
        yield Care(table, "archive", None, len(old), 0, size, 0, f"months before {before}")
    yield from _tried(table, "vacuum", lambda: _vacuumed(lake, table, policy))


def report(done: list[Care]) -> pa.Table:
    """Return what was done as rows."""
    return pa.table(
        {
            "table_name": pa.array([each.table for each in done], pa.string()),
            "care": pa.array([each.care for each in done], pa.string()),
            "version": pa.array([each.version for each in done], pa.int64()),
            "files_before": pa.array([each.files_before for each in done], pa.int64()),
            "files_after": pa.array([each.files_after for each in done], pa.int64()),
            "bytes_before": pa.array([each.bytes_before for each in done], pa.int64()),
            "bytes_after": pa.array([each.bytes_after for each in done], pa.int64()),
            "note": pa.array([each.note for each in done], pa.string()),
        }
    )


def _tried(table: str, care: str, take: Callable[[], Care]) -> Iterator[Care]:
    try:
        yield take()
    except PlatformError as error:
        yield Care(table, care, note=f"not done: {error.detail}")
    except Exception as error:
        yield Care(table, care, note=f"not done: {type(error).__name__}: {without_values(error)}")


def _vacuumed(lake: Lake, table: str, policy: Policy) -> Care:
    found = waste(lake.target(table), policy.history_days)
    if found is None or not (found.files or found.entries):
        return Care(table, "vacuum", note="nothing to delete")
    count, size = found.kept_files + len(found.files), found.kept_bytes + found.bytes
    return Care(table, "vacuum", None, count, found.kept_files, size, found.kept_bytes)


def _archive_before(lake: Lake, table: str, policy: Policy) -> str:
    """Return the first month that stays, empty where none goes: counted from the newest month there is."""
    delta = lake.target(table).open() if policy.archive_after_months else None
    months = [file.month for file in standing(delta) if file.month] if delta is not None else []
    return month_before(max(months), policy.archive_after_months - 1) if months else ""


def _is_due(lake: Lake, table: str) -> bool:
    """Return whether rows have changed since the table was last clustered."""
    commits = lake.history(table)
    clustered = next((commit.version for commit in commits if commit.care == "cluster"), -1)
    changed = next((commit.version for commit in commits if commit.care in ("", "compact", "restore")), -1)
    return changed > clustered
