"""The model registry, against the real MLflow on SQLite."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from shared.models import (
    CHALLENGER,
    CHAMPION,
    ManifestMissing,
    ModelVersion,
    Registry,
    Training,
    UnknownModel,
    load_manifest,
)

NAME = "demand.toy"
ARTEFACT = {"kind": "toy", "features": ["a"], "weights": [0.1, 0.2]}


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Registry:
    """One store for the module: its creation takes seconds, and every test uses a model name of its own."""
    under = Registry.under(tmp_path_factory.mktemp("var"))
    return Registry(under.uri, under.root, now=lambda: datetime(2026, 1, 2, tzinfo=UTC))


def register(registry: Registry, name: str, *, weights: float = 0.1, orders: int = 1, code: str = "c1") -> ModelVersion:
    artefact = {**ARTEFACT, "weights": [weights]}
    return registry.register(name, artefact, {"auc": 0.5}, {"curated.orders": orders}, code)


def log_of(registry: Registry, name: str) -> list[dict[str, object]]:
    lines = (registry.root / "deployments.jsonl").read_text().splitlines()
    return [record for line in lines if (record := json.loads(line))["model"] == name]


def test_the_same_inputs_and_code_register_once(registry: Registry) -> None:
    first, again = register(registry, "once"), register(registry, "once")
    assert first == again
    assert first.version == "1.0.0"
    assert list(registry.manifest().versions["once"]) == ["1.0.0"]


def test_versions_tell_code_data_and_shape_apart(registry: Registry) -> None:
    versions = [
        register(registry, "semver").version,
        register(registry, "semver", code="c2").version,
        register(registry, "semver", orders=2).version,
        registry.register("semver", {"kind": "other"}, {}, {"curated.orders": 2}, "c2").version,
    ]
    assert versions == ["1.0.0", "1.0.1", "1.1.0", "2.0.0"]


def test_equal_lake_versions_of_another_lake_do_not_pass_for_the_same_model(registry: Registry) -> None:
    assert register(registry, "lake", weights=0.1).version != register(registry, "lake", weights=0.9).version


def test_services_read_the_champion_from_the_manifest(registry: Registry) -> None:
    model = register(registry, "served", weights=0.7)
    registry.deploy(model, CHAMPION, "first version")
    manifest = load_manifest(registry.root / "manifest.json")
    live = manifest.live("served")
    assert live == model
    assert manifest.artefact(live)["weights"] == [0.7]
    assert live.metrics == {"auc": 0.5}
    assert live.lake_versions == {"curated.orders": 1}
    assert manifest.live("served", CHALLENGER) is None


def test_the_deployment_log_keeps_every_move_and_no_repetition(registry: Registry) -> None:
    first, second = register(registry, "moves"), register(registry, "moves", orders=2)
    for model in (first, first, second, second):
        registry.deploy(model, CHAMPION, "newer data")
    moves = [(line["previous"], line["version"], line["because"]) for line in log_of(registry, "moves")]
    assert moves == [(None, "1.0.0", "newer data"), ("1.0.0", "1.1.0", "newer data")]


def test_a_larger_share_of_the_same_version_is_a_move(registry: Registry) -> None:
    trial = register(registry, "trial")
    for share in (10, 10, 50, None):
        registry.deploy(trial, CHALLENGER, "on trial", share)
    assert [line["share_pct"] for line in log_of(registry, "trial")] == [10, 50]


FIRST = """
import sys
from pathlib import Path
from shared.models import CHAMPION, Registry
registry = Registry.under(Path(sys.argv[1]))
for number in range(3):
    made = registry.register(sys.argv[2], {"kind": "toy", "features": [], "weights": [number]}, {}, {}, str(number))
    registry.deploy(made, CHAMPION, "newest")
"""


def test_two_processes_that_set_up_the_store_at_once_both_register(tmp_path: Path) -> None:
    names = ("one", "other")
    running = [subprocess.Popen([sys.executable, "-c", FIRST, tmp_path, name]) for name in names]
    assert [process.wait() for process in running] == [0, 0]
    manifest = Registry.under(tmp_path).manifest()
    for name in names:
        assert list(manifest.versions[name]) == ["1.0.0", "1.0.1", "1.0.2"]
        assert manifest.aliases[name] == {CHAMPION: "1.0.2"}


def test_an_alias_that_does_not_exist_is_refused(registry: Registry) -> None:
    with pytest.raises(ValueError, match="none of champion, challenger, shadow"):
        registry.deploy(register(registry, "alias"), "best", "")


def test_a_training_run_binds_its_inputs(registry: Registry) -> None:
    training = Training(registry, {"curated.orders": 7}, "abc")
    model = training.register("bound", ARTEFACT, {"auc": 0.6})
    assert (dict(model.lake_versions), model.code_version) == ({"curated.orders": 7}, "abc")


def test_a_second_process_sees_what_the_first_registered(registry: Registry) -> None:
    model = register(registry, "reopened")
    assert (
        Registry(registry.uri, registry.root).register(
            "reopened", {**ARTEFACT, "weights": [0.1]}, {}, {"curated.orders": 1}, "c1"
        )
        == model
    )


def test_a_run_that_died_before_the_manifest_is_taken_up_where_it_stopped(registry: Registry) -> None:
    manifest = registry.root / "manifest.json"
    before = manifest.read_bytes()
    model = register(registry, "died")
    manifest.write_bytes(before)
    assert register(registry, "died").version == model.version == "1.0.0"
    assert list(registry.manifest().versions["died"]) == ["1.0.0"]


def test_a_move_whose_line_was_lost_is_logged_by_the_next_run(registry: Registry) -> None:
    model, log = register(registry, "line"), registry.root / "deployments.jsonl"
    before = log.read_bytes() if log.exists() else b""
    registry.deploy(model, CHAMPION, "first version")
    log.write_bytes(before)
    registry.deploy(model, CHAMPION, "already live")
    assert [(line["previous"], line["version"]) for line in log_of(registry, "line")] == [(None, "1.0.0")]


def test_a_line_that_a_crash_cut_off_spoils_no_other(registry: Registry) -> None:
    model = register(registry, "torn")
    with (registry.root / "deployments.jsonl").open("ab") as log:
        log.write(b'{"at": "2026-')
    registry.deploy(model, CHAMPION, "first version")
    registry.deploy(model, CHAMPION, "again")
    lines = (registry.root / "deployments.jsonl").read_text().splitlines()
    assert json.loads(lines[-1])["model"] == "torn"
    assert lines[-2] == '{"at": "2026-'
    (registry.root / "deployments.jsonl").write_text("\n".join(line for line in lines if line.endswith("}")) + "\n")


def test_a_number_that_json_cannot_hold_is_refused(registry: Registry) -> None:
    with pytest.raises(ValueError, match="Out of range float"):
        register(registry, "nan", weights=float("nan"))


def test_before_the_first_training_the_manifest_says_which_command_to_run(tmp_path: Path) -> None:
    with pytest.raises(ManifestMissing, match="python -m pipeline run"):
        load_manifest(tmp_path / "manifest.json")


def test_an_unknown_version_names_those_there_are(registry: Registry) -> None:
    register(registry, "few")
    with pytest.raises(UnknownModel, match=r"registered: 1\.0\.0"):
        registry.manifest().version("few", "9.9.9")


def test_reading_a_manifest_imports_no_mlflow() -> None:
    code = "import sys, shared.models; assert not [m for m in sys.modules if m.split('.')[0] in ('mlflow', 'sklearn')]"
    subprocess.run([sys.executable, "-c", code], check=True)
