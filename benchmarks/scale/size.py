"""One size: a made-up shop of so many orders, taken through the whole pipeline from an empty lake."""

from __future__ import annotations

import json
import os
import shutil
import sys
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.scale.limit import group
from benchmarks.scale.tree import Cost, measured, size_of

ORDERS = 471_200
"""Orders of size 1: 1.44 million lines, as the demo data have (1.47 million)."""
ROOM = 3.5
"""Room on disk that a run needs, in bytes of its input: raw, curated, and what it spills."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """What a run may take."""

    memory: int
    """Bytes, all processes together."""
    engine_memory: str = ""
    """ENGINE_MEMORY; empty: the pipeline's default."""
    threads: int = 2


@dataclass(frozen=True, slots=True)
class Result:
    """What was measured of one size."""

    size: float
    rows: dict[str, int]
    input_bytes: int
    lake_bytes: dict[str, int]
    cost: Cost
    generation_seconds: float
    steps: dict[str, dict[str, float]] = field(default_factory=dict)
    bound_by: str = ""
    load: tuple[float, ...] = ()
    """Load averages of the machine when the run ended."""

    @property
    def total_rows(self) -> int:
        """Return the rows of all tables of the input."""
        return sum(self.rows.values())


class RunFailed(Exception):
    """A child did not end well; its log says why."""


def result(work: Path, size: float, bounds: Bounds, *, keep: bool) -> Result:
    """Return what a size costs, measured now or, where that was done, earlier. Raises RunFailed."""
    noted = work / f"{size:g}x.json"
    if noted.is_file():
        return read(noted)
    folder = work / f"{size:g}x"
    generation = _generate(folder, size)
    shutil.rmtree(folder / "var", ignore_errors=True)
    found = _run(folder, size, bounds, generation)
    noted.write_text(json.dumps(asdict(found), indent=1))
    if not keep:
        shutil.rmtree(folder)
    return found


def read(noted: Path) -> Result:
    """Return a result that was noted."""
    told = json.loads(noted.read_text())
    return Result(**{**told, "cost": Cost(**told["cost"]), "load": tuple(told["load"])})


def _generate(folder: Path, size: float) -> float:
    """Return the CPU seconds that making the input took, 0 where it is there already."""
    if (folder / "input" / "manifest.json").is_file():
        return 0.0
    folder.mkdir(parents=True, exist_ok=True)
    asked = ["--orders", str(round(ORDERS * size)), "--to", str(folder / "input"), "--replace", "--plain"]
    with (folder / "generate.log").open("wb") as log:
        cost = measured([*_pipeline(), "generate", *asked], os.environ, folder / "none", log, 1 << 50)
    _refuse_failed(cost, folder / "generate.log")
    return cost.cpu_seconds


def _run(folder: Path, size: float, bounds: Bounds, generation: float) -> Result:
    _refuse_full(folder)
    var, log = folder / "var", folder / "run.log"
    environment = {**os.environ, "VAR_DIR": str(var), "ENGINE_THREADS": str(bounds.threads)}
    if bounds.engine_memory:
        environment["ENGINE_MEMORY"] = bounds.engine_memory
    command = [*_pipeline(), "run", "--source", "synthetic", "--source-dir", str(folder / "input"), "--plain"]
    made = group(bounds.memory)
    try:
        with log.open("wb") as out:
            cost = measured(command, environment, var / "pipeline" / "tmp", out, made or bounds.memory)
    finally:
        if made:
            made.close()
    _refuse_failed(cost, log)
    lake = {zone.name: size_of(zone) for zone in sorted((var / "lake").iterdir())}
    manifest = json.loads((folder / "input" / "manifest.json").read_text())
    rows = {name: each["rows"] for name, each in manifest["tables"].items() if "/" not in name}
    inputs = sum(size_of(folder / "input" / name) for name in rows)
    how = "cgroup" if made else "sampling"
    return Result(size, rows, inputs, lake, cost, generation, _steps(var), how, os.getloadavg())


def _steps(var: Path) -> dict[str, dict[str, float]]:
    """Return the seconds and the peak (MiB, of its process) of each table, from the run's own record."""
    newest = max((var / "pipeline" / "runs").glob("*.json"))
    told: dict[str, Any] = json.loads(newest.read_text())
    steps = {name: {"seconds": each["seconds"], "peak_mb": each["peak_mb"]} for name, each in told["tables"].items()}
    made = sum(each["seconds"] for name, each in steps.items() if not _is_of_system(name))
    systems = sum(each["seconds"] for name, each in steps.items() if _is_of_system(name))
    steps["ledger and quality, and starting"] = {
        "seconds": told["seconds"] - made - systems,
        "peak_mb": told["peak_mb"],
    }
    return steps


def _is_of_system(table: str) -> bool:
    return table.partition(".")[0] not in ("raw", "curated")


def _refuse_full(folder: Path) -> None:
    needed, free = ROOM * size_of(folder / "input"), shutil.disk_usage(folder).free
    if free < needed:
        raise RunFailed(f"{folder}: about {needed / 1e9:.0f} GB of disk are needed, {free / 1e9:.0f} GB are free")


def _refuse_failed(cost: Cost, log: Path) -> None:
    if cost.kills:
        raise RunFailed(f"killed for want of memory after {cost.wall_seconds:.0f} s; {log} says how far it came")
    if cost.exit_code:
        raise RunFailed(f"ended with {cost.exit_code} after {cost.wall_seconds:.0f} s; see {log}")


def _pipeline() -> list[str]:
    return [sys.executable, "-m", "pipeline"]
