"""A Spark session set so that its answers are DuckDB's, and what it says where Spark or Java is not there."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from shared.engine.protocol import EngineMissing

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

JAVA = 17
ENDING_SECONDS = 20.0
LOG = Path(__file__).with_name("spark_log.properties")
_UNIT = {"": "b", "B": "b", "KB": "k", "KIB": "k", "MB": "m", "MIB": "m", "GB": "g", "GIB": "g", "TB": "t", "TIB": "t"}
_SMALLER = {"k": "b", "m": "k", "g": "m", "t": "g"}

AGREEING = {
    # Days are UTC days, and a timestamp without a zone is UTC.
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.parquet.inferTimestampNTZ.enabled": "false",
    # Delta and Arrow want microseconds; Spark's own default is the 96 bits of Impala.
    "spark.sql.parquet.outputTimestampType": "TIMESTAMP_MICROS",
    # Days before 1582 as ISO 8601 counts them, not as the Julian calendar does.
    "spark.sql.parquet.datetimeRebaseModeInWrite": "CORRECTED",
    "spark.sql.parquet.datetimeRebaseModeInRead": "CORRECTED",
    # A cast that cannot be is an error, not a null: as in DuckDB.
    "spark.sql.ansi.enabled": "true",
    "spark.sql.caseSensitive": "false",
    "spark.sql.parquet.compression.codec": "zstd",
}


def open_session(master: str, memory: str, temp_dir: Path, conf: Mapping[str, str]) -> SparkSession:
    """Return a session; `conf` overrules. Raises EngineMissing where pyspark or Java is not there or does not start."""
    require_pyspark()
    require_java()
    from pyspark.errors import PySparkException  # noqa: PLC0415  seconds, which only Spark's users pay
    from pyspark.sql import SparkSession  # noqa: PLC0415

    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    builder = SparkSession.builder.appName("shop-insight").master(master)
    for key, value in {**_defaults(memory, temp_dir), **AGREEING, **conf}.items():
        builder = builder.config(key, value)
    try:
        return builder.getOrCreate()
    except (PySparkException, OSError) as error:
        raise EngineMissing(
            f"ENGINE=spark: Spark did not start on {master} ({str(error).splitlines()[0]}); look at its output above, "
            "check SPARK_MASTER and SPARK_CONF_*, or set ENGINE=duckdb"
        ) from error


def close_session(session: SparkSession) -> None:
    """Stop a session and the JVM that it ran in, which pyspark would keep with all its memory until this process ends.

    There is one JVM a process: sessions opened before stop working, the next one starts a JVM of its own.
    """
    from pyspark import SparkContext  # noqa: PLC0415

    session.stop()
    gateway = SparkContext._gateway
    java = getattr(gateway, "proc", None)
    if gateway is None or java is None:
        return
    SparkContext._gateway = SparkContext._jvm = None
    gateway.shutdown()
    # The end of its input is what tells the JVM that nobody is there any more.
    java.stdin.close()
    try:
        java.wait(ENDING_SECONDS)
    except subprocess.TimeoutExpired:
        java.kill()
        java.wait()


def require_pyspark() -> None:
    """Raise EngineMissing where the package is not installed."""
    if importlib.util.find_spec("pyspark") is None:
        raise EngineMissing(
            "ENGINE=spark: the package pyspark is not installed; install the extra `spark` "
            "(pip install 'shop-insight[spark]'), or set ENGINE=duckdb"
        )


def require_java() -> None:
    """Raise EngineMissing where there is no Java that Spark runs on."""
    found = java_version()
    if found is None:
        raise EngineMissing(
            f"ENGINE=spark: no Java found; install Java {JAVA} (Debian: apt install openjdk-{JAVA}-jre-headless) "
            "or set JAVA_HOME to it, or set ENGINE=duckdb"
        )
    if found < JAVA:
        raise EngineMissing(f"ENGINE=spark: Java {found} found, Spark 4 needs {JAVA} or later; set JAVA_HOME to one")


def java_version() -> int | None:
    """Return the major version of the Java that Spark would start, None where there is none."""
    home = os.environ.get("JAVA_HOME")
    java = str(Path(home) / "bin" / "java") if home else shutil.which("java")
    try:
        ran = subprocess.run([java or "java", "-version"], capture_output=True, text=True, check=True, timeout=30)  # noqa: S603
    except (OSError, subprocess.SubprocessError):
        return None
    match = re.search(r'version "(?:1\.)?(\d+)', ran.stderr)
    return int(match[1]) if match else None


def jvm_memory(text: str) -> str:
    """Return a size as the JVM writes it: `2GB` → `2g`. Raises ValueError for what is no size."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([A-Z]*)", text.strip().upper())
    if not match or match[2] not in _UNIT:
        raise ValueError(f"{text!r} is not a size; write for example 2GB")
    unit = _UNIT[match[2]]
    if "." not in match[1]:
        return f"{match[1]}{unit}"
    return f"{int(float(match[1]) * 1024)}{_SMALLER[unit]}"


def _defaults(memory: str, temp_dir: Path) -> dict[str, str]:
    return {
        "spark.driver.memory": jvm_memory(memory),
        "spark.driver.extraJavaOptions": f"-Duser.timezone=UTC -Dlog4j2.configurationFile={LOG.as_uri()}",
        "spark.executor.extraJavaOptions": "-Duser.timezone=UTC",
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.local.dir": str(temp_dir),
        "spark.sql.warehouse.dir": str(temp_dir / "warehouse"),
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        # Adaptive execution puts small ones together again.
        "spark.sql.shuffle.partitions": "16",
    }
