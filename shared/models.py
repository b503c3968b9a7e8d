"""Registered models: training writes them through MLflow, services read the manifest it exports.

Under `{var}/mlflow` MLflow keeps runs, metrics and versions; under `{var}/models` stand what others read:

    manifest.json         every version with its metrics and inputs, and which alias points where
    <name>/<version>.json the artefact, plain JSON, never a pickle
    deployments.jsonl     one line for every move of an alias, only ever added to; its last word on an alias counts, so
                          that a service moves one by adding a line, without MLflow

Versions are semantic: MAJOR when the artefact's shape changed (other keys, kind or features), MINOR when it was
trained on other data, PATCH when only the code differs. MLflow is imported by `Registry` alone, when first used.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from shared.errors import FailedPrecondition, NotFound

if TYPE_CHECKING:
    from mlflow import MlflowClient

CHAMPION, CHALLENGER, SHADOW = ALIASES = ("champion", "challenger", "shadow")
EXPERIMENT = "pipeline"
DEPLOYMENTS = "deployments.jsonl"
LOCK = ".lock"
FIRST = "1.0.0"

Origin: TypeAlias = tuple[str, tuple[tuple[str, int], ...], str]
"""Digest of the artefact, lake versions read, code version: what makes two trainings the same."""


class ManifestMissing(FailedPrecondition):
    """No model has been trained here yet."""

    reason = "MODEL_MANIFEST_MISSING"


class UnknownModel(NotFound):
    """The registry has no such model or version."""

    reason = "UNKNOWN_MODEL"


@dataclass(frozen=True)
class ModelVersion:
    """One registered version: where its artefact stands, its figures and what it was made from."""

    name: str
    version: str
    artefact_path: str
    artefact_sha256: str
    metrics: Mapping[str, float]
    lake_versions: Mapping[str, int]
    code_version: str
    registered_at: str


@dataclass(frozen=True)
class Manifest:
    """What services read: every version of every model, and the version behind each alias."""

    root: Path
    versions: Mapping[str, Mapping[str, ModelVersion]]
    aliases: Mapping[str, Mapping[str, str]]

    def version(self, name: str, version: str) -> ModelVersion:
        """Return that version. Raises UnknownModel."""
        found = self.versions.get(name, {}).get(version)
        if found is None:
            known = ", ".join(self.versions.get(name, {})) or "none"
            raise UnknownModel(f"model {name} has no version {version!r}; registered: {known}")
        return found

    def live(self, name: str, alias: str = CHAMPION) -> ModelVersion | None:
        """Return the version behind `alias`, or None when nothing stands behind it."""
        version = self.aliases.get(name, {}).get(alias)
        return None if version is None else self.version(name, version)

    def artefact(self, model: ModelVersion) -> dict[str, Any]:
        """Return the artefact of that version."""
        return dict(json.loads((self.root / model.artefact_path).read_bytes()))


def load_manifest(path: Path) -> Manifest:
    """Return the manifest at `path`. Raises ManifestMissing. Imports nothing of MLflow."""
    try:
        content = json.loads(path.read_bytes())
    except FileNotFoundError:
        raise ManifestMissing(f"no models at {path}; run `python -m pipeline run`") from None
    models = content["models"]
    versions = {name: {v["version"]: ModelVersion(**v) for v in model["versions"]} for name, model in models.items()}
    aliases = {name: dict(model["aliases"]) for name, model in models.items()}
    for line in whole_lines(path.parent / DEPLOYMENTS):
        if line["version"] in versions.get(line["model"], {}):
            aliases[line["model"]][line["alias"]] = line["version"]
    return Manifest(path.parent, versions, aliases)


@dataclass(frozen=True)
class Registry:
    """The only writer of models. Processes that write at once wait for each other: the SQLite store takes one writer.

    Args:
        uri: MLflow's tracking store, such as `sqlite:////srv/var/mlflow/mlflow.db`.
        root: folder of the manifest, the artefacts and the deployment log.
        now: the time written down, UTC.
    """

    uri: str
    root: Path
    now: Callable[[], datetime] = field(default=lambda: datetime.now(UTC))

    @classmethod
    def under(cls, var_dir: Path) -> Registry:
        """Return the registry of an installation whose state lives under `var_dir`."""
        folder = (var_dir / "mlflow").resolve()
        return cls(f"sqlite:///{folder / 'mlflow.db'}", (var_dir / "models").resolve())

    def register(
        self,
        name: str,
        artefact: Mapping[str, Any],
        metrics: Mapping[str, float],
        lake_versions: Mapping[str, int],
        code_version: str,
    ) -> ModelVersion:
        """Return the version of this artefact; the one already there when it came from the same inputs and code."""
        content = json.dumps(artefact, sort_keys=True, indent=1, allow_nan=False).encode()
        digest = hashlib.sha256(content).hexdigest()
        origin: Origin = (digest, tuple(sorted(lake_versions.items())), code_version)
        with self._alone():
            known = self._known(name)
            if origin not in known:
                self._export()  # an earlier run may have died between MLflow and the manifest
                known = self._known(name)
            if origin in known:
                return known[origin]
            version = self._next_version(list(known.values()), artefact, lake_versions)
            path = f"{name}/{version}.json"
            write_atomically(self.root / path, content)
            when = self.now().isoformat()
            model = ModelVersion(name, version, path, digest, dict(metrics), dict(lake_versions), code_version, when)
            self._log_to_mlflow(model)
            self._export()
            return model

    def deploy(
        self, model: ModelVersion, alias: str, because: str, share_pct: int | None = None, *, rollback: bool = False
    ) -> None:
        """Point `alias` at this version, noting when and why. Nothing happens where it points there already.

        `share_pct` is how much a version answers for that is on trial beside the champion: a change of it is a move.
        `rollback` says that it had the alias before: the one it takes it from is not what a later rollback goes to.
        """
        if alias not in ALIASES:
            raise ValueError(f"alias {alias!r} is none of {', '.join(ALIASES)}")
        with self._alone():
            if self.manifest().aliases.get(model.name, {}).get(alias) != model.version:
                with quiet():
                    self._client.set_registered_model_alias(model.name, alias, self._mlflow_number(model))
                self._export()
            before, share = self._last_logged(model.name, alias)
            if before != model.version or (share_pct is not None and share_pct != share):
                line = {"at": self.now().isoformat(), "model": model.name, "alias": alias, "version": model.version}
                part = {} if share_pct is None else {"share_pct": share_pct}
                back = {"rollback": True} if rollback else {}
                append_line(self.root / DEPLOYMENTS, {**line, **part, "previous": before, "because": because, **back})

    def _last_logged(self, name: str, alias: str) -> tuple[str | None, int | None]:
        """Return the version and share that the log says the alias has; a run may have died before its line."""
        lines = whole_lines(self.root / DEPLOYMENTS)
        moves = [line for line in lines if (line["model"], line["alias"]) == (name, alias)]
        return (str(moves[-1]["version"]), moves[-1].get("share_pct")) if moves else (None, None)

    def manifest(self) -> Manifest:
        """Return what is registered so far; nothing on the first run."""
        try:
            return load_manifest(self.root / "manifest.json")
        except ManifestMissing:
            return Manifest(self.root, {}, {})

    def export(self) -> None:
        """Write the manifest from what MLflow holds, in one step, so that no reader sees half of it."""
        with self._alone():
            self._export()

    def _alone(self) -> contextlib.AbstractContextManager[None]:
        """Wait until no other process writes; two that set up MLflow's store at once would break it."""
        return alone(self.root)

    def _export(self) -> None:
        with quiet():
            content = {"models": {m.name: self._described(m.name) for m in self._client.search_registered_models()}}
        write_atomically(self.root / "manifest.json", json.dumps(content, indent=1, sort_keys=True).encode())

    def _known(self, name: str) -> dict[Origin, ModelVersion]:
        versions = self.manifest().versions.get(name, {}).values()
        return {(v.artefact_sha256, tuple(sorted(v.lake_versions.items())), v.code_version): v for v in versions}

    def _described(self, name: str) -> dict[str, Any]:
        found = self._client.search_model_versions(f"name = '{name}'")
        by_number = {str(v.version): json.loads(v.tags["model"]) for v in sorted(found, key=lambda v: int(v.version))}
        aliases = self._client.get_registered_model(name).aliases
        return {
            "versions": list(by_number.values()),
            "aliases": {alias: by_number[str(number)]["version"] for alias, number in aliases.items()},
        }

    def _next_version(
        self, known: list[ModelVersion], artefact: Mapping[str, Any], lake_versions: Mapping[str, int]
    ) -> str:
        if not known:
            return FIRST
        last = max(known, key=lambda model: parts(model.version))
        major, minor, patch = parts(last.version)
        if shape(self.manifest().artefact(last)) != shape(artefact):
            return f"{major + 1}.0.0"
        if last.lake_versions != dict(lake_versions):
            return f"{major}.{minor + 1}.0"
        return f"{major}.{minor}.{patch + 1}"

    def _log_to_mlflow(self, model: ModelVersion) -> None:
        tags = {"model": json.dumps(asdict(model), allow_nan=False), "version": model.version}
        with quiet():
            client = self._client
            run = client.create_run(self._experiment(), run_name=f"{model.name} {model.version}")
            for metric, value in model.metrics.items():
                client.log_metric(run.info.run_id, metric, value)
            for origin, version in {**model.lake_versions, "code_version": model.code_version}.items():
                client.log_param(run.info.run_id, origin, version)
            client.set_terminated(run.info.run_id)
            if not client.search_registered_models(f"name = '{model.name}'"):
                client.create_registered_model(model.name)
            source = (self.root / model.artefact_path).as_uri()
            client.create_model_version(model.name, source, run.info.run_id, tags=tags)

    def _experiment(self) -> str:
        found = self._client.get_experiment_by_name(EXPERIMENT)
        if found is not None:
            return str(found.experiment_id)
        folder = self.root.parent / "mlflow" / "artefacts"
        return str(self._client.create_experiment(EXPERIMENT, artifact_location=folder.as_uri()))

    def _mlflow_number(self, model: ModelVersion) -> str:
        for found in self._client.search_model_versions(f"name = '{model.name}'"):
            if found.tags["version"] == model.version:
                return str(found.version)
        raise UnknownModel(f"model {model.name} has no version {model.version!r} in {self.uri}")

    @cached_property
    def _client(self) -> MlflowClient:
        os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
        os.environ.setdefault("DO_NOT_TRACK", "true")
        os.environ.setdefault("MLFLOW_LOGGING_LEVEL", "WARNING")
        os.environ.setdefault("GIT_PYTHON_REFRESH", "quiet")
        if self.uri.startswith("sqlite:///"):
            Path(self.uri.removeprefix("sqlite:///")).parent.mkdir(parents=True, exist_ok=True)
        from mlflow import MlflowClient  # noqa: PLC0415  seconds to import, and only training needs it

        return MlflowClient(tracking_uri=self.uri, registry_uri=self.uri)


@dataclass(frozen=True)
class Training:
    """The registry as one table function sees it: bound to the lake versions it reads and to the code.

    Args:
        registry: where versions go.
        lake_versions: version of every table the function reads, by full name.
        code_version: commit or digest of the code that trains.
    """

    registry: Registry
    lake_versions: Mapping[str, int]
    code_version: str

    def register(self, name: str, artefact: Mapping[str, Any], metrics: Mapping[str, float]) -> ModelVersion:
        """Return the registered version of this artefact."""
        return self.registry.register(name, artefact, metrics, self.lake_versions, self.code_version)


def parts(version: str) -> tuple[int, int, int]:
    """Return the numbers of a semantic version, to compare by."""
    major, minor, patch = version.split(".")
    return int(major), int(minor), int(patch)


def shape(artefact: Mapping[str, Any]) -> object:
    """Return what a reader of the artefact relies on: its keys, its kind and its features."""
    return sorted(artefact), artefact.get("kind"), artefact.get("features")


def write_atomically(path: Path, content: bytes) -> None:
    """Put `content` at `path` so that a reader, or a crash, meets the old file or the new one whole."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    with partial.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)


@contextlib.contextmanager
def alone(root: Path) -> Iterator[None]:
    """Wait until nobody else writes to the models in a folder: who moves an alias decides by where it points."""
    root.mkdir(parents=True, exist_ok=True)
    with (root / LOCK).open("a") as file:
        # Given back when the file is closed, also by a process that dies.
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def append_line(path: Path, record: Mapping[str, object]) -> None:
    """Add one JSON line at the end of the log, on a line of its own even after one that a crash cut off."""
    with path.open("a+b") as file:
        end = file.seek(0, os.SEEK_END)
        file.seek(max(end - 1, 0))
        cut_off = end > 0 and file.read(1) != b"\n"
        file.write((b"\n" if cut_off else b"") + json.dumps(record).encode() + b"\n")
        file.flush()
        os.fsync(file.fileno())


def whole_lines(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the records of the log, without a line that a crash cut off."""
    for line in path.read_bytes().splitlines() if path.exists() else ():
        with contextlib.suppress(ValueError):
            yield json.loads(line)


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Keep MLflow's deprecation warnings about its own insides out of our log."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
