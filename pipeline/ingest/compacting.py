"""Ingestion's many small files made few, at the end of a run that has consumed them."""

from __future__ import annotations

from pipeline import raw_compaction
from pipeline.batch import Batch
from pipeline.curated.history import KEPT
from pipeline.curated.standing import standing
from pipeline.ingest.ingest import SOURCE
from pipeline.raw import RawFile
from pipeline.raw_compaction import Compacted
from shared.tables import CONTRACT


def compact_ingested(batch: Batch) -> Compacted:
    """Return what was made one; nothing while few files are there. Raises RawSourceBusy."""
    if len(batch.raw.commits_named(SOURCE)) < raw_compaction.FEWEST:
        return Compacted()
    marks: dict[str, str] = {}

    def is_consumed(file: RawFile) -> bool:
        if file.table not in marks:
            marks[file.table] = consumed_through(batch, file.table)
        return file.batch <= marks[file.table]

    return raw_compaction.compact(batch.raw, SOURCE, is_consumed)


def consumed_through(batch: Batch, name: str) -> str:
    """Return the newest batch of ingestion that everything made of a raw table has consumed; empty: none."""
    histories = [history for history, of in KEPT.items() if of == name]
    found = [standing(batch, CONTRACT[f"curated.{name}"], ()).consumed]
    found += [standing(batch, CONTRACT[f"curated.{one}"], (), raw_name=name).consumed for one in histories]
    return min(each.batches.get(SOURCE, "") if each else "" for each in found)
