"""Whatever the document allows, and what it does not: answered as the document says, by every operation."""

from __future__ import annotations

import os

import pytest

from tests.live.fuzzing import fuzz
from tests.live.processes import Live

CASES = 5000
# What is drawn at random beside the boundaries of every parameter, which are always tried; so that more endpoints
# do not make it longer than a few minutes.
DRAWN, LEAST = 3000, 20


@pytest.mark.slow
def test_nothing_that_is_sent_breaks_an_endpoint_or_its_document(live: Live) -> None:
    document = live.client.get("/api/v1/openapi.json").json()
    operations = {f"{verb.upper()} {path}" for path, item in document["paths"].items() for verb in item}
    examples = max(LEAST, DRAWN // len(operations))
    seed = ("--seed", "1") if os.environ.get("CI") else ()
    found = fuzz(live, "--checks", "all", "--max-examples", str(examples), *seed)
    assert found.summary, found.text
    assert (found.summary["failures"], found.summary["errors"]) == ([], []), found.text
    assert found.summary["stop_reason"] == "completed"
    assert found.summary["operations"]["tested"] == len(operations)
    assert operations - found.reached == set()
    assert found.summary["test_cases"]["generated"] >= CASES
