"""The engine that the setting ENGINE names."""

from __future__ import annotations

from shared.engine.protocol import Engine, EngineMissing

ENGINES = ("duckdb", "spark", "athena")


def engine(name: str = "duckdb", **settings: object) -> Engine:
    """Return the engine of the setting ENGINE: duckdb, spark or athena. Raises EngineMissing."""
    # Each is imported when it is asked for: Spark alone takes seconds, and a service needs none of them.
    if name == "duckdb":
        from shared.engine.duck import DuckDbEngine  # noqa: PLC0415

        return DuckDbEngine(**settings)  # type: ignore[arg-type]
    if name == "spark":
        from shared.engine.spark_session import require_java, require_pyspark  # noqa: PLC0415

        require_pyspark()
        require_java()
        from shared.engine.spark import SparkEngine  # noqa: PLC0415

        return SparkEngine(**settings)  # type: ignore[arg-type]
    if name == "athena":
        from shared.engine.athena import AthenaEngine  # noqa: PLC0415

        return AthenaEngine(**settings)  # type: ignore[arg-type]
    raise EngineMissing(f"ENGINE={name}: there is no such engine; set ENGINE to one of {', '.join(ENGINES)}")
