"""What the pipeline is told from outside."""

from __future__ import annotations

from pathlib import Path

from shared.settings import ProcessSettings


class PipelineSettings(ProcessSettings):
    """Settings of `python -m pipeline`."""

    engine: str = "duckdb"
    """ENGINE: what runs the table functions."""
    engine_memory: str = "2GB"
    """ENGINE_MEMORY: most memory the engine takes before it spills to disk."""
    engine_threads: int = 2
    """ENGINE_THREADS: threads the engine runs on."""

    @property
    def state_dir(self) -> Path:
        """Return the folder of run records and of what a run remembers for the next one."""
        return self.var_dir / "pipeline"

    @property
    def lock_path(self) -> Path:
        """Return the file a run holds locked, so that no second one starts beside it."""
        return self.var_dir / "pipeline.lock"
