"""The lake in a bucket, on a real S3 server on loopback."""

import subprocess
import sys
from collections.abc import Iterator

import pytest

from shared.engine import DuckDbEngine, Engine
from shared.lake import AsOf, Lake, LakeConflict, Zones, monthly
from shared.principal import BATCH
from shared.settings import ProcessSettings
from tests.integration.lake.rows import MONTHS, ORDERS, month, orders
from tests.integration.lake.test_writers import expected, run_at_once

MIX = ("merge", "merge", "months", "whole", "care")
pytestmark = pytest.mark.usefixtures("reached")


@pytest.fixture
def lake(request: pytest.FixtureRequest, reached: None) -> Lake:
    # A folder of its own for each test: the bucket lives as long as the server.
    return Lake(Zones.under(f"s3://lake/{request.node.name}"), ProcessSettings().storage_options, poll_seconds=0)


@pytest.fixture
def engine() -> Iterator[Engine]:
    opened = DuckDbEngine("256MB", 1, options=ProcessSettings().storage_options)
    yield opened
    opened.close()


def ids(lake: Lake, as_of: AsOf | None = None) -> list[str]:
    return sorted(lake.read(ORDERS, BATCH, as_of).data["order_id"].to_pylist())


def test_a_bucket_holds_versions_as_a_folder_does(lake: Lake, engine: Engine) -> None:
    lake.overwrite(ORDERS, orders({"a": "2017-03", "b": "2017-04"}), metadata={"inputs": "7"})
    rows = orders({"c": "2017-04"})
    files = engine.write(engine.memory("rows", rows), lake.layout(ORDERS), rows.schema)
    assert lake.replace(ORDERS, files, months=["2017-04"], expected=0) == 1
    stale = engine.write(engine.memory("rows", rows), lake.layout(ORDERS), rows.schema)
    with pytest.raises(LakeConflict):
        lake.replace(ORDERS, stale, months=["2017-04"], expected=0)
    lake.merge(ORDERS, orders({"a": "2017-05"}))
    assert (ids(lake), ids(lake, AsOf(version=0))) == (["a", "c"], ["a", "b"])
    files = [file for half in ("d", "e") for file in monthly.write(orders({half: "2017-04"}), lake.layout(ORDERS))]
    lake.replace(ORDERS, files, months=["2017-04"], expected=2)
    assert lake.compact(ORDERS, engine).files_after == 1
    assert lake.cluster(ORDERS, ["order_id", "ordered_at"]).version == 5
    lake.archive(ORDERS, before="2017-05")
    assert ids(lake) == ["a"]
    lake.restore(ORDERS, ["2017-04"])
    vacuumed = lake.vacuum(ORDERS, keep_days=0, orphan_hours=0)
    assert (vacuumed.files_after, ids(lake)) == (2, ["a", "d", "e"])
    assert engine.to_arrow(engine.table(lake.snapshot(ORDERS))).num_rows == 3


def test_writers_of_their_own_keys_lose_nothing_in_a_bucket(lake: Lake) -> None:
    lake.overwrite(ORDERS, orders({"first": "2017-03"}))
    run_at_once(lake.zones.uris["curated"].removesuffix("/curated"), MIX, 2)
    assert ids(lake) == expected(MIX, 2)
    assert sum(not commit.care for commit in lake.history(ORDERS)) == 1 + len(MIX) * 2


def test_overwriting_a_bucket_from_several_processes_leaves_each_version_whole(lake: Lake) -> None:
    run_at_once(lake.zones.uris["curated"].removesuffix("/curated"), ("overwrite",) * 4, 2)
    history = lake.history(ORDERS)
    assert len(history) == 8
    for commit in history:
        found = ids(lake, AsOf(version=commit.version))
        assert (len(found), len({name.partition("-")[0] for name in found})) == (30, 1)


KILLED = """
import os, signal, sys, threading
from shared.lake import Lake, Zones
from shared.settings import ProcessSettings
from tests.integration.lake.rows import MONTHS, ORDERS, month

lake = Lake(Zones.under(sys.argv[1]), ProcessSettings().storage_options, poll_seconds=0)
lake.version(ORDERS)
threading.Timer(float(sys.argv[2]), lambda: os.kill(os.getpid(), signal.SIGKILL)).start()
number = 0
while True:
    number += 1
    lake.merge(ORDERS, month(MONTHS[0], 50, number))
"""


def test_a_writer_killed_beside_a_bucket_leaves_a_whole_version(lake: Lake) -> None:
    lake.overwrite(ORDERS, month(MONTHS[0], 50, 0))
    root = lake.zones.uris["curated"].removesuffix("/curated")
    for delay in ("0.2", "0.33", "0.47"):
        subprocess.run([sys.executable, "-c", KILLED, root, delay], check=False)
        rows = lake.read(ORDERS, BATCH)
        assert rows.snapshot.degraded == ""
        assert (rows.data.num_rows, len(set(rows.data["total"].to_pylist()))) == (50, 1)
    lake.merge(ORDERS, month(MONTHS[0], 50, 999))
    assert lake.read(ORDERS, BATCH).data.num_rows == 50
