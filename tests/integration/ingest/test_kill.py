from __future__ import annotations

import json
import random
import subprocess
import sys
from pathlib import Path

import duckdb

from pipeline.ingest.ingest import SOURCE
from tests.integration.ingest.ingesting import ROWS, batch, ingestor

KILLS = 8


def test_what_was_answered_is_in_raw_after_kill_9_and_sent_again_changes_nothing(tmp_path: Path) -> None:
    """Killed while it commits: every answer is kept, nothing is torn, a repetition takes only what was not."""
    draw, next_number, answered = random.Random(4), 0, set[int]()
    for _ in range(KILLS):
        command = [sys.executable, "-m", "tests.integration.ingest.ingesting", str(tmp_path), str(next_number)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
            assert child.stdout is not None
            for _ in range(draw.randint(1, 4)):
                number, accepted, unchanged = json.loads(child.stdout.readline())
                assert accepted + unchanged == ROWS
                answered.add(number)
                next_number = number + 1
            # Somewhere within the next request: where, nobody chooses.
            child.kill()
            for line in child.stdout:
                answered.add(json.loads(line)[0])
        next_number = max(answered) + 1
        keys = committed(tmp_path)
        for number in answered:
            assert {f"c{number}-{row}" for row in range(ROWS)} <= keys
        assert len(keys) % ROWS == 0
    taking = ingestor(tmp_path)
    for number in answered:
        assert taking.ingest("categories", batch(number)).unchanged == ROWS
    last = taking.ingest("categories", batch(next_number))
    assert last.accepted + last.unchanged == ROWS
    keys = committed(tmp_path)
    (rows,) = duckdb.sql(f"SELECT count(*) FROM read_parquet({files(tmp_path)})").fetchone() or (0,)
    assert rows == len(keys)


def files(folder: Path) -> list[str]:
    return [file.uri for file in ingestor(folder).raw.files("categories", SOURCE)]


def committed(folder: Path) -> set[str]:
    found = duckdb.sql(f"SELECT category_id FROM read_parquet({files(folder)})").fetchall()
    return {key for (key,) in found}
