"""What the pipeline is told from outside."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from pydantic import Field

from shared.settings import ProcessSettings


def spark_conf(environment: Mapping[str, str]) -> dict[str, str]:
    """Return Spark's own settings from SPARK_CONF_<key>; `__` stands for a dot, as shells take none in a name.

    SPARK_CONF_spark__executor__memory=4g is spark.executor.memory=4g.
    """
    prefix = "SPARK_CONF_"
    named = {name.removeprefix(prefix): value for name, value in environment.items() if name.startswith(prefix)}
    return {name.replace("__", "."): value for name, value in named.items() if value}


class PipelineSettings(ProcessSettings):
    """Settings of `python -m pipeline`."""

    source: str = "complete-journey"
    """SOURCE: where a run takes data from unless told otherwise."""
    source_dir: Path | None = None
    """SOURCE_DIR: folder of that source's files; the place it comes with when not set."""
    engine: str = "duckdb"
    """ENGINE: what runs the table functions: duckdb, spark or athena."""
    engine_memory: str = "2GB"
    """ENGINE_MEMORY: most memory the engine takes before it spills to disk."""
    engine_threads: int = 2
    """ENGINE_THREADS: threads the engine runs on."""
    spark_master: str = ""
    """SPARK_MASTER: Spark's master URL; this machine with ENGINE_THREADS cores when not set."""
    spark_conf: Mapping[str, str] = Field(default_factory=lambda: spark_conf(os.environ), repr=False)
    """SPARK_CONF_<key>: Spark's own settings, `__` for a dot: SPARK_CONF_spark__executor__memory=4g."""
    athena_staging_dir: str = ""
    """ATHENA_STAGING_DIR: s3:// folder that Athena puts results in."""
    athena_workgroup: str = "primary"
    """ATHENA_WORKGROUP: whose limits and costs Athena's queries count to."""
    athena_catalog: str = "AwsDataCatalog"
    """ATHENA_CATALOG: the Glue catalogue that the tables are found in."""
    glue_prefix: str = ""
    """GLUE_PREFIX: stands before a zone's name in that of its Glue database."""

    def engine_settings(self, temp_dir: Path) -> dict[str, object]:
        """Return what the engine of these settings is opened with."""
        if self.engine == "athena":
            return {
                "staging_dir": self.athena_staging_dir,
                "workgroup": self.athena_workgroup,
                "catalog": self.athena_catalog,
                "prefix": self.glue_prefix,
                "temp_dir": temp_dir,
                "options": self.storage_options,
            }
        bounds = {
            "memory_limit": self.engine_memory,
            "threads": self.engine_threads,
            "temp_dir": temp_dir,
            "options": self.storage_options,
        }
        if self.engine == "spark":
            return {**bounds, "master": self.spark_master, "conf": self.spark_conf}
        return bounds

    batch_modules: str = "services"
    """BATCH_MODULES: packages, separated by commas, below which each system's `<system>/batch.py` is looked for."""
    schedule: str = "15 2 * * *"
    """SCHEDULE: when Dagster runs the pipeline, as cron writes it, UTC; empty: never by itself."""
    sensor_seconds: int = 60
    """SENSOR_SECONDS: how often Dagster looks whether raw has anything new."""
    forecast_effort: Literal["full", "cheap", "tuned"] = "full"
    """FORECAST_EFFORT: what forecasts are chosen from: full: gradient boosting, too; cheap: what takes a moment; tuned:
    as full, with settings of the gradient boosting found by Optuna wherever models are chosen."""
    run_records: int = 200
    """RUN_RECORDS: how many runs are remembered."""

    @property
    def batch_packages(self) -> tuple[str, ...]:
        """Return the packages that batch modules are looked for in."""
        return tuple(name.strip() for name in self.batch_modules.split(",") if name.strip())

    started_by: str = ""
    """STARTED_BY: on whose behalf a run is begun, which the pipeline's service says of those it starts."""

    @property
    def state_dir(self) -> Path:
        """Return the folder of run records and of what a run remembers for the next one."""
        return self.var_dir / "pipeline"

    @property
    def tokenisation_keys(self) -> Path:
        """Return the file of the keys that tokens are made with, unless TOKENISATION_KEYS holds them."""
        return self.var_dir / "secrets/tokenisation.json"

    @property
    def lock_path(self) -> Path:
        """Return the file a run holds locked, so that no second one starts beside it."""
        return self.var_dir / "pipeline.lock"
