"""A process that ingests until it is killed, and says each answer as it gets it."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from pipeline.ingest.ingest import Ingestor
from pipeline.raw import RawZone

ROWS = 20


def batch(number: int) -> bytes:
    """Return the body of the request of that number."""
    rows = [{"category_id": f"c{number}-{row}", "name": f"Category {number}"} for row in range(ROWS)]
    return json.dumps({"rows": rows}).encode()


def ingestor(folder: Path) -> Ingestor:
    """Return what takes rows in below a folder."""
    return Ingestor(RawZone.at(folder / "raw"), folder / "keys.json", folder / "ingest.db")


if __name__ == "__main__":
    taking, number = ingestor(Path(sys.argv[1])), int(sys.argv[2])
    while True:
        found = taking.ingest("categories", batch(number))
        print(json.dumps([number, found.accepted, found.unchanged]), flush=True)
        number += 1
