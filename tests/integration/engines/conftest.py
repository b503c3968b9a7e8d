"""Both engines, opened once: Spark takes seconds to start."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from shared.engine import DuckDbEngine, Engine, EngineMissing
from shared.engine.spark_session import require_java, require_pyspark


@pytest.fixture(scope="session")
def duck(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    made = DuckDbEngine(memory_limit="512MB", threads=2, temp_dir=tmp_path_factory.mktemp("duck"))
    yield made
    made.close()


@pytest.fixture(scope="session")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    try:
        require_pyspark()
        require_java()
    except EngineMissing as missing:
        pytest.skip(str(missing))
    from shared.engine import SparkEngine  # noqa: PLC0415  where there is no pyspark

    one_task = {
        "spark.sql.shuffle.partitions": "1",
        "spark.default.parallelism": "1",
        "spark.sql.codegen.wholeStage": "false",
        # Over a few rows planning again at each stage costs more than the stage.
        "spark.sql.adaptive.enabled": "false",
    }
    with pytest.MonkeyPatch.context() as environment:
        # Half of the suite's CPU time went into compiling at length what runs a few times over a few rows.
        quick = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"
        environment.setenv("JDK_JAVA_OPTIONS", f"{os.environ.get('JDK_JAVA_OPTIONS', '')} {quick}".strip())
        made = SparkEngine("1GB", 2, tmp_path_factory.mktemp("spark"), conf=one_task)
    yield made
    made.close()
