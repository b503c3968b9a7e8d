"""`python -m benchmarks.scale --sizes 1 10`: the whole pipeline at several sizes, time and memory beside linear growth.

Each size is a made-up shop with so many times the demo's order lines, taken from files through raw, curated and the
systems' tables, ledger and quality, by `python -m pipeline run` on an empty lake. A size that was measured is not
measured again (`--again` does); its input and its lake go once it is (`--keep` keeps them).
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from benchmarks.scale.size import Bounds, Result, RunFailed, result

UNITS = {"KB": 1e3, "MB": 1e6, "GB": 1e9, "KIB": 1 << 10, "MIB": 1 << 20, "GIB": 1 << 30}
TOLERANCE = 1.1
"""TARGETS: ten times the data in at most eleven times the time."""
SLOWEST = 12


def main() -> int:
    # Stopped, it takes what it started with it, and the group they are in.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    asked = _arguments().parse_args()
    work = asked.work.resolve()
    work.mkdir(parents=True, exist_ok=True)
    bounds = Bounds(asked.memory_limit, asked.engine_memory, asked.threads)
    results: list[Result] = []
    for size in sorted(asked.sizes):
        if asked.again:
            (work / f"{size:g}x.json").unlink(missing_ok=True)
        print(f"{size:g}x …", flush=True)
        try:
            results.append(result(work, size, bounds, keep=asked.keep))
        except RunFailed as error:
            print(f"{size:g}x: {error}", file=sys.stderr)
            break
    for line in report(results, asked.memory_limit):
        print(line)
    return 0 if len(results) == len(asked.sizes) else 1


def report(results: Sequence[Result], limit: int) -> Iterator[str]:
    """Yield the tables in Markdown."""
    if not results:
        return
    yield f"{os.cpu_count()} cores, {limit / (1 << 30):.3g} GiB for all processes, kept by {results[0].bound_by}"
    yield ""
    yield "| | " + " | ".join(f"{each.size:g}x" for each in results) + " |"
    yield "|---|" + "---:|" * len(results)
    for name, figures in _figures(results):
        yield f"| {name} | " + " | ".join(figures) + " |"
    yield ""
    yield from _steps(results)
    for each in results[1:]:
        rows, time = each.total_rows / results[0].total_rows, each.cost.wall_seconds / results[0].cost.wall_seconds
        verdict = "linear or less" if time <= TOLERANCE * rows else "MORE THAN LINEAR"
        yield f"{each.size:g}x: {rows:.1f} times the rows in {time:.1f} times the time: {verdict}"


def _figures(results: Sequence[Result]) -> Iterator[tuple[str, list[str]]]:
    first = results[0]
    yield "order lines", [f"{each.rows['order_items']:,}" for each in results]
    yield "rows, all tables", [_ratio(each.total_rows, first.total_rows, f"{each.total_rows:,}") for each in results]
    yield "input, Parquet", [_bytes(each.input_bytes) for each in results]
    yield "lake", [_bytes(sum(each.lake_bytes.values())) for each in results]
    walls = [each.cost.wall_seconds for each in results]
    yield "wall time", [_ratio(wall, walls[0], f"{wall:,.0f} s") for wall in walls]
    works = [each.cost.cpu_seconds for each in results]
    yield "CPU time", [_ratio(work, works[0], f"{work:,.0f} s") for work in works]
    peaks = [each.cost.peak_bytes for each in results]
    yield "peak memory, all processes", [_ratio(peak, peaks[0], f"{peak / (1 << 20):,.0f} MiB") for peak in peaks]
    yield "most on disk for a while", [_bytes(each.cost.scratch_bytes) for each in results]
    yield "load at the end", [f"{each.load[1]:.1f}" for each in results]


def _steps(results: Sequence[Result]) -> Iterator[str]:
    """Yield the steps that took longest at the largest size."""
    largest = results[-1].steps
    yield "| step: seconds (MiB) | " + " | ".join(f"{each.size:g}x" for each in results) + " |"
    yield "|---|" + "---:|" * len(results)
    for name in sorted(largest, key=lambda step: -largest[step]["seconds"])[:SLOWEST]:
        told = [each.steps.get(name, {"seconds": 0.0, "peak_mb": 0}) for each in results]
        yield f"| {name} | " + " | ".join(f"{one['seconds']:,.1f} ({one['peak_mb']:,.0f})" for one in told) + " |"
    yield ""


def _ratio(value: float, first: float, text: str) -> str:
    return text if value == first else f"{text} ({value / first:.1f}x)"


def _bytes(count: float) -> str:
    return f"{count / 1e9:,.2f} GB"


def _arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scale")
    parser.add_argument("--sizes", type=float, nargs="+", default=[1, 10], metavar="N", help="times the demo's lines")
    parser.add_argument("--memory-limit", type=_memory, default=_memory("8GiB"), metavar="M", help="default: 8GiB")
    parser.add_argument("--engine-memory", default="", metavar="M", help="ENGINE_MEMORY (default: the pipeline's)")
    parser.add_argument("--threads", type=int, default=2, help="ENGINE_THREADS (default: 2)")
    parser.add_argument("--work", type=Path, default=Path("var/scale"), metavar="DIR", help="default: var/scale")
    parser.add_argument("--keep", action="store_true", help="leave input and lake of each size")
    parser.add_argument("--again", action="store_true", help="measure sizes again that were")
    return parser


def _memory(text: str) -> int:
    unit = next((name for name in sorted(UNITS, key=len, reverse=True) if text.upper().endswith(name)), "")
    if not unit:
        raise argparse.ArgumentTypeError(f"{text}: give a number and one of {', '.join(UNITS)}, such as 8GiB")
    return int(float(text[: -len(unit)]) * UNITS[unit])


if __name__ == "__main__":
    sys.exit(main())
