"""Commits of files that stand already: one log entry, made only on top of the version they were computed on."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from uuid import uuid4

import pyarrow as pa
from deltalake import CommitProperties, DeltaTable, PostCommitHookProperties, Schema
from deltalake.exceptions import CommitFailedError, DeltaError
from deltalake.transaction import AddAction, RemoveAction, create_table_with_add_actions

from shared.engine.layout import WrittenFile
from shared.engine.placing import MONTH, is_remote, remove
from shared.errors import Unavailable
from shared.lake.log import ADDED, CARE, CHANGED, COMMIT_ID, NOTE, REMOVED
from shared.lake.statistics import statistics
from shared.lake.target import Standing, Target, by_month

logger = logging.getLogger(__name__)
CHECKPOINT_EVERY = 20


class CommitUnclear(Unavailable):
    """The store did not tell whether a commit arrived."""

    reason = "LAKE_COMMIT_UNCLEAR"


@dataclass(frozen=True, slots=True)
class Change:
    """Files that come and files that go, in one commit."""

    adds: Sequence[WrittenFile] = ()
    removes: Sequence[Standing] = ()
    notes: Mapping[str, str] = field(default_factory=dict)
    """What the writer notes; care carries on what the version before noted."""
    care: str = ""
    """Not empty: this is care of the table, and no row of it changes; what was done, such as `compact`."""
    moved: bool = False
    """Care that does bring or take rows, such as moving old months to the archive."""
    whole: bool = False
    """Nothing of what was there stays."""
    schema: pa.Schema | None = None
    """Columns of the files, without `_month`."""
    keep: bool = False
    """Leave the files where they are should another writer come first: they are committed again."""


def commit(target: Target, delta: DeltaTable | None, change: Change, *, monthly: bool) -> int:
    """Return the version made on top of `delta` (None: version 0, the table's first).

    Raises CommitFailedError where another writer came first; the files of the change are then taken away. Raises
    CommitUnclear where that cannot be told; they stay, as the version may be made of them.
    """
    if delta is not None and not change.whole and change.schema is not None:
        delta = _widened(target, delta, change.schema)
    made = 0 if delta is None else int(delta.version()) + 1
    mark = uuid4().hex
    try:
        _write_entry(target, delta, change, mark, monthly=monthly)
    except (DeltaError, OSError) as error:
        if _is_ours(target, made, mark):
            return made
        if not change.keep and (isinstance(error, CommitFailedError) or not is_remote(target.uri)):
            # Where an object store did not answer, the entry may still come: vacuum finds out.
            clean(target, change.adds)
        if delta is None and target.open() is not None:
            raise CommitFailedError(f"{target.name} was made meanwhile") from error
        raise
    checkpoint_now_and_then(target, made)
    return made


def properties(notes: Mapping[str, str], said: Mapping[str, str | int] = MappingProxyType({})) -> CommitProperties:
    """Return what delta-rs puts into a commit beside its actions: notes of the writer, and what the lake says of it."""
    told = {f"{NOTE}{key}": value for key, value in notes.items()}
    # No retries of delta-rs's own: they put the same files on top of what another writer made meanwhile.
    return CommitProperties(custom_metadata={**told, **said}, max_commit_retries=0)


def care_properties(
    target: Target,
    version: int,
    care: str,
    said: Mapping[str, str | int] = MappingProxyType({}),
    *,
    moved: bool = False,
) -> CommitProperties:
    """Return what is put into a commit of care upon `version`, whose notes go on, so that consumers find theirs.

    Args:
        moved: rows come or go, so this is a change in the eyes of those who read the table.
    """
    before = target.log.commit(version)
    changed = {} if moved else {CHANGED: before.changed_version}
    return properties(before.metadata, {**said, **changed, CARE: care})


def no_hooks() -> PostCommitHookProperties:
    """Return the wish that nothing is done after a commit: what fails then would look like a failed commit."""
    return PostCommitHookProperties(create_checkpoint=False, cleanup_expired_logs=False)


def clean(target: Target, files: Iterable[WrittenFile]) -> None:
    """Take away files that no commit names; what cannot be reached is left to vacuum."""
    for file in files:
        try:
            remove(target.uri, file.path, target.options)
        except OSError as error:
            logger.warning("%s: %s was not committed and is left to vacuum: %s", target.name, file.path, error)


def checkpoint_now_and_then(target: Target, version: int) -> None:
    """Sum the log up each twentieth version, so that opening the table stays quick."""
    if not version or version % CHECKPOINT_EVERY:
        return
    try:
        if (delta := target.open(version)) is not None:
            delta.create_checkpoint()
    except (DeltaError, OSError) as error:
        logger.warning("%s: no checkpoint at version %d: %s", target.name, version, error)


def delta_schema(schema: pa.Schema, *, monthly: bool) -> Schema:
    """Return the columns as Delta declares them: with `_month`, which stands in paths and the log alone."""
    return Schema.from_arrow(schema.append(pa.field(MONTH, pa.string())) if monthly else schema)


def _write_entry(target: Target, delta: DeltaTable | None, change: Change, mark: str, *, monthly: bool) -> None:
    schema = change.schema
    said: dict[str, str | int] = {COMMIT_ID: mark, ADDED: len(change.adds), REMOVED: len(change.removes)}
    told = _properties(target, delta, change, said)
    adds = [_add(target, file, change, monthly=monthly) for file in change.adds]
    partitions = [MONTH] if monthly else None
    if delta is None or by_month(delta) != monthly:
        _create(target, change, adds, told, delta)
        return
    declared = delta.schema() if schema is None else delta_schema(schema, monthly=monthly)
    mode = "overwrite" if change.whole else "append"
    gone = [] if change.whole else [_gone(file, change, monthly=monthly) for file in change.removes]
    delta.create_write_transaction(
        [*adds, *gone], mode, declared, partitions, commit_properties=told, post_commithook_properties=no_hooks()
    )


def _properties(
    target: Target, delta: DeltaTable | None, change: Change, said: Mapping[str, str | int]
) -> CommitProperties:
    if not change.care:
        return properties(change.notes, said)
    if delta is None:
        return properties({}, {**said, CARE: change.care})
    return care_properties(target, int(delta.version()), change.care, said, moved=change.moved)


def _create(
    target: Target, change: Change, adds: list[AddAction], told: CommitProperties, delta: DeltaTable | None
) -> None:
    """Make the table, or make it anew where it was not kept by month before."""
    if change.schema is None:
        raise ValueError(f"{target.name}: a table cannot be made without columns")
    if delta is not None and target.log.entries()[-1].version != delta.version():
        # Making anew is done on whatever is there: delta-rs asks for no version then.
        raise CommitFailedError(f"{target.name} is no longer at version {delta.version()}")
    monthly = bool(target.layout().by_month)
    kept = f"interval {target.retention_days} days"
    create_table_with_add_actions(
        target.uri,
        delta_schema(change.schema, monthly=monthly),
        adds,
        mode="error" if delta is None else "overwrite",
        partition_by=[MONTH] if monthly else None,
        name=target.name,
        description=target.contract.description if target.contract else None,
        configuration={"delta.logRetentionDuration": kept, "delta.deletedFileRetentionDuration": kept},
        storage_options=dict(target.options) or None,
        commit_properties=told,
        post_commithook_properties=no_hooks(),
    )


def _widened(target: Target, delta: DeltaTable, schema: pa.Schema) -> DeltaTable:
    """Return the table with the columns that the contract has gained, added in a commit before this one."""
    there = {column.name for column in delta.schema().fields}
    new = [column for column in Schema.from_arrow(schema).fields if column.name not in there]
    if not new:
        return delta
    told = care_properties(target, int(delta.version()), "columns")
    delta.alter.add_columns(new, commit_properties=told, post_commithook_properties=no_hooks())
    return target.open(int(delta.version())) or delta


def _add(target: Target, file: WrittenFile, change: Change, *, monthly: bool) -> AddAction:
    return AddAction(
        file.path,
        file.bytes,
        {MONTH: file.month} if monthly else {},
        _now(),
        not change.care or change.moved,
        statistics(target.log.files, file.path),
    )


def _gone(file: Standing, change: Change, *, monthly: bool) -> RemoveAction:
    months = {MONTH: file.month} if monthly else {}
    return RemoveAction(file.path, not change.care or change.moved, _now(), file.bytes, months)


def _now() -> int:
    return time.time_ns() // 1_000_000


def _is_ours(target: Target, version: int, mark: str) -> bool:
    """Return whether a commit that was answered with an error is there all the same (an answer can be lost).

    Raises CommitUnclear where the store cannot be asked.
    """
    try:
        with target.log.files.open_input_file(f"_delta_log/{version:020}.json") as file:
            return any(mark in str(json.loads(line).get("commitInfo", {})) for line in file.read().splitlines())
    except (FileNotFoundError, ValueError):
        return False
    except OSError as error:
        raise CommitUnclear(
            f"{target.name}: the store does not tell whether version {version} was committed; "
            "see that it answers, and run it again",
            metadata={"table": target.name},
        ) from error
