"""Whether everything the pipeline needs is there and whole; each thing found says what to do about it."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

from pipeline import records
from pipeline.batch import open_lake
from pipeline.raw import RawZone
from pipeline.settings import PipelineSettings
from pipeline.sources.source import without_values
from pipeline.tools.places import RAW, human, store_of
from shared.errors import PlatformError

Status = Literal["ok", "warn", "fail"]
OK: Status = "ok"
WARN: Status = "warn"
FAIL: Status = "fail"
LITTLE_DISK, HARDLY_ANY_DISK = 10_000_000_000, 1_000_000_000
STALE_HOURS = 26
"""A day, and what a nightly run may take."""
JAVA = "java"


@dataclass(frozen=True, slots=True)
class Check:
    """One thing looked at."""

    name: str
    status: Status
    detail: str
    remedy: str = ""


def checks(settings: PipelineSettings, mysql: str | None = None) -> list[Check]:
    """Return every check, made."""
    made: list[tuple[str, Callable[[PipelineSettings], Iterator[Check]]]] = [
        ("lake", tables),
        ("raw", raw),
        ("zones", writable),
        ("disk", disk),
        ("runs", runs),
        ("engine", engine_works),
        ("spark", spark),
    ]
    found = [check for name, each in made for check in _guarded(name, partial(each, settings))]
    if mysql:
        found += _guarded("mysql", lambda: database(mysql))
    return found


def shown(found: Sequence[Check], *, as_json: bool) -> str:
    """Return the checks as JSON or as lines."""
    if as_json:
        return json.dumps([asdict(check) for check in found], indent=1) + "\n"
    lines = []
    for check in found:
        lines.append(f"{check.status:<5} {check.name:<28} {check.detail}")
        if check.remedy:
            lines.append(f"{'':<35}→ {check.remedy}")
    worst = FAIL if any(c.status == FAIL for c in found) else WARN if any(c.status == WARN for c in found) else OK
    return "\n".join([*lines, f"health: {worst}"]) + "\n"


def _guarded(name: str, made: Callable[[], Iterator[Check]]) -> list[Check]:
    """Return the checks; one that cannot even be made has failed, and the others are made all the same."""
    try:
        return list(made())
    except PlatformError as error:
        return [Check(name, FAIL, error.detail)]
    except OSError as error:
        return [Check(name, FAIL, f"out of reach: {error.strerror or type(error).__name__}", "check the zone's URI")]
    except Exception as error:
        return [Check(name, FAIL, f"cannot be made: {type(error).__name__}: {without_values(error)}")]


def tables(settings: PipelineSettings) -> Iterator[Check]:
    """Yield a check for each table that is not whole, and one for the lake."""
    lake, count, rows = open_lake(settings), 0, 0
    for zone in settings.zone_uris():
        for table in lake.tables(zone) if zone != RAW else ():
            count += 1
            try:
                snapshot = lake.snapshot(table)
            except PlatformError as error:
                yield Check(table, FAIL, error.detail, f"`python -m pipeline repair {table}`, then `run`")
                continue
            rows += snapshot.rows
            if snapshot.degraded:
                told = f"degraded: {snapshot.degraded}; version {snapshot.version} is read instead"
                yield Check(table, WARN, told, f"`python -m pipeline repair {table}`, then `run`")
    if not count:
        yield Check("lake", WARN, f"{settings.lake} has no tables yet", "`python -m pipeline run`")
    else:
        yield Check("lake", OK, f"{count} tables, {rows:,} rows, readable")


def raw(settings: PipelineSettings) -> Iterator[Check]:
    """Yield a check for each source in raw: that every file its commits name is there."""
    zone = RawZone.at(settings.zone_uris()[RAW], settings.storage_options)
    for source in zone.sources():
        files = [file for commit in zone.commits(source) for file in commit.files]
        infos = zone.store.get_file_info([file.uri.removeprefix(f"{zone.uri}/") for file in files])
        lost = sum(not info.is_file for info in infos)
        if lost:
            remedy = f"restore them, or `python -m pipeline reset --source {source}` and run it again"
            yield Check(f"raw {source}", FAIL, f"{lost} of {len(files)} committed files are gone", remedy)
        else:
            yield Check(f"raw {source}", OK, f"{len(files)} files, {sum(file.rows or 0 for file in files):,} rows")


def writable(settings: PipelineSettings) -> Iterator[Check]:
    """Yield one check of all zones: a file can be put and taken away."""
    refused = []
    for zone, uri in settings.zone_uris().items():
        try:
            _touch(settings, zone, uri)
        except OSError as error:
            refused.append(f"{zone} ({error.strerror or type(error).__name__})")
    if refused:
        remedy = "check owner, permissions and free space, or credentials on an object store"
        yield Check("zones writable", FAIL, f"not writable: {', '.join(refused)}", remedy)
    else:
        yield Check("zones writable", OK, f"all {len(settings.zone_uris())}")


def _touch(settings: PipelineSettings, zone: str, uri: str) -> None:
    if "://" not in uri:
        # A zone that is not there yet is made by the first run: what counts is the folder above it that is there.
        there = next(folder for folder in (Path(uri).absolute(), *Path(uri).absolute().parents) if folder.exists())
        probe = there / f".health-{os.getpid()}"
        probe.write_bytes(b"")
        probe.unlink()
        return
    store, name = store_of(settings, zone), f".health-{os.getpid()}"
    with store.open_output_stream(name) as out:
        out.write(b"")
    store.delete_file(name)


def disk(settings: PipelineSettings) -> Iterator[Check]:
    """Yield a check of the disk that VAR_DIR lies on."""
    there = next(
        folder for folder in (settings.var_dir.absolute(), *settings.var_dir.absolute().parents) if folder.exists()
    )
    usage = shutil.disk_usage(there)
    status = FAIL if usage.free < HARDLY_ANY_DISK else WARN if usage.free < LITTLE_DISK else OK
    remedy = "" if status == OK else "free some, or let `python -m pipeline care` compact and vacuum"
    yield Check("disk", status, f"{human(usage.free)} free of {human(usage.total)}", remedy)


def runs(settings: PipelineSettings) -> Iterator[Check]:
    """Yield checks of the last run and of how long ago the last good one was."""
    found = list(records.records(settings))
    if not found:
        yield Check("last run", WARN, "there was none", "`python -m pipeline run`")
        return
    last = found[0]
    failures = last.get("failures")
    if last["status"] == records.SUCCEEDED:
        yield Check("last run", OK, f"{last['id']} succeeded in {last['seconds']} s")
    elif last["status"] == records.RUNNING:
        yield Check("last run", OK, f"{last['id']} is under way")
    else:
        broken = ", ".join(failures) if isinstance(failures, dict) else ""
        yield Check("last run", FAIL, f"{last['id']} failed: {broken or 'stopped'}", "see `python -m pipeline status`")
    good = next((each for each in found if each["status"] == records.SUCCEEDED), None)
    yield _freshness(good, datetime.now(UTC))


def _freshness(good: object, now: datetime) -> Check:
    if not isinstance(good, dict):
        return Check("freshness", FAIL, "no run has succeeded yet", "`python -m pipeline run`")
    hours = (now - datetime.fromisoformat(good["started_at"])).total_seconds() / 3600
    status = WARN if hours > STALE_HOURS else OK
    told = f"last good run {hours:,.1f} hours ago"
    return Check("freshness", status, told, "" if status == OK else "`python -m pipeline run`, or mend the schedule")


def engine_works(settings: PipelineSettings) -> Iterator[Check]:
    """Yield a check that the engine can be opened and answers; Spark and Athena are not started for it."""
    from pipeline.batch import Batch  # noqa: PLC0415

    if settings.engine != "duckdb":
        yield Check("engine", OK, f"{settings.engine} is set; a run opens it")
        return
    import pyarrow as pa  # noqa: PLC0415

    with Batch(settings) as batch:
        batch.engine.to_arrow(batch.engine.memory("health", pa.table({"n": [1]})))
    yield Check("engine", OK, f"{settings.engine}, {settings.engine_threads} threads, {settings.engine_memory}")


def spark(settings: PipelineSettings) -> Iterator[Check]:
    """Yield a check of what ENGINE=spark needs; missing it fails only where that is set."""
    missing = [name for name, there in (("Java", shutil.which(JAVA)), ("pyspark", find_spec("pyspark"))) if not there]
    if not missing:
        yield Check("spark", OK, "Java and pyspark are there")
    elif settings.engine == "spark":
        yield Check("spark", FAIL, f"ENGINE=spark, but no {' and no '.join(missing)}", "install Java 17 and pyspark 4")
    else:
        yield Check("spark", OK, f"no {' and no '.join(missing)}; only ENGINE=spark needs them")


def database(url: str) -> Iterator[Check]:
    """Yield checks of a MySQL database: it answers, and its binlog is fit to be followed."""
    from pipeline.mysql.address import Address  # noqa: PLC0415  loads the MySQL client
    from pipeline.mysql.connection import Server  # noqa: PLC0415
    from pipeline.mysql.coordinates import binlog_faults  # noqa: PLC0415

    address = Address.parse(url)
    with closing(Server(address)) as server:
        version, wrong = server.variables("version"), binlog_faults(server)
    yield Check("mysql", OK, f"{address.shown} answers: {version.get('version', '')}")
    if wrong:
        told = ", ".join(f"{name}={found}" for name, (found, _) in wrong.items())
        needed = ", ".join(f"{name}={value}" for name, (_, value) in wrong.items())
        yield Check("mysql binlog", WARN, told, f"set {needed}; extract needs it to follow changes")
    else:
        yield Check("mysql binlog", OK, "ROW, whole rows with the names of their columns")
