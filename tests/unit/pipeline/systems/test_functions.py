"""How one system's mistake stays its own."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.assets import UnknownAsset, chosen, nodes
from pipeline.systems.functions import find
from shared.tables import tables_of

SOUND = "CODE_VERSION = '1'\ndef churn_predictions(curated_orders):\n    ...\n"
STAYS = "its last versions stay, mend it and run again"


def package(folder: Path, monkeypatch: pytest.MonkeyPatch, name: str, **modules: str) -> str:
    """Return the name of a new package of systems; Python imports a name once, so each needs its own."""
    for system, code in modules.items():
        (folder / name / system).mkdir(parents=True)
        (folder / name / "__init__.py").touch()
        (folder / name / system / "__init__.py").touch()
        (folder / name / system / "batch.py").write_text(code)
    monkeypatch.syspath_prepend(folder)
    return name


@pytest.mark.parametrize(
    ("kind", "code", "why"),
    [
        ("lacking", "import no_such_library", "ModuleNotFoundError: No module named 'no_such_library'"),
        ("misspelled", "from datetime import dates", "ImportError: cannot import name 'dates' from 'datetime'"),
        ("unparsed", "x = 1\ndef trends(:", "SyntaxError at {file}:2: invalid syntax"),
        ("mistaken", "x = 1\n\n1 / 0", "ZeroDivisionError at {file}:3"),
        ("ending", "raise SystemExit(0)", "SystemExit at {file}:1"),
    ],
)
def test_a_module_that_cannot_be_imported_is_told_with_its_cause_beside_the_functions_of_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, code: str, why: str
) -> None:
    name = package(tmp_path, monkeypatch, f"found_{kind}", compliance=code, demand=SOUND)
    found = find((name,))
    assert [made.makes for made in found.functions] == [("demand.churn_predictions",)]
    (broken,) = found.broken
    assert broken.names == ("compliance",)
    assert set(broken.makes) == {table.full_name for table in tables_of("compliance")}
    said = why.format(file=tmp_path / name / "compliance" / "batch.py")
    assert broken.why.startswith(f"{name}.compliance.batch cannot be imported: {said}")
    assert broken.why.endswith(f"; {STAYS}")


def test_a_package_that_cannot_be_imported_is_told_as_its_module_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = package(tmp_path, monkeypatch, "found_outside", compliance=SOUND)
    (tmp_path / name / "compliance" / "__init__.py").write_text("import no_such_library")
    (broken,) = find((name,)).broken
    assert broken.why.startswith(f"{name}.compliance.batch cannot be imported: ModuleNotFoundError")


@pytest.mark.parametrize("argument", ["curated_colours", "colours", "demand_colours"])
def test_a_function_that_reads_no_table_of_the_contract_is_broken_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, argument: str
) -> None:
    code = f"{SOUND}\ndef customer_segments({argument}):\n    ...\n"
    name = package(tmp_path, monkeypatch, f"found_with_{argument}", demand=code)
    found = find((name,))
    assert [made.makes for made in found.functions] == [("demand.churn_predictions",)]
    (broken,) = found.broken
    assert broken.names == broken.makes == ("demand.customer_segments",)
    assert broken.why.startswith(f"customer_segments of {name}.demand.batch: argument {argument} names no table")


def test_a_function_that_makes_no_table_of_the_contract_is_broken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = "CODE_VERSION = '1'\nMAKES = {'colours': ('shades',)}\ndef colours(curated_orders):\n    ...\n"
    (broken,) = find((package(tmp_path, monkeypatch, "found_making", demand=code),)).broken
    assert "MAKES names demand.shades" in broken.why


def test_functions_in_a_circle_are_broken_and_the_others_are_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = f"{SOUND}\ndef rfm_scores(demand_customer_segments): ...\n\ndef customer_segments(demand_rfm_scores): ...\n"
    found = find((package(tmp_path, monkeypatch, "found_turning", demand=code),))
    assert [made.makes for made in found.functions] == [("demand.churn_predictions",)]
    assert {broken.names for broken in found.broken} == {("demand.rfm_scores",), ("demand.customer_segments",)}
    assert all("demand.customer_segments, demand.rfm_scores read each other" in broken.why for broken in found.broken)


def test_a_table_of_a_broken_system_can_still_be_asked_for_and_one_that_nobody_has_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    graph = nodes((package(tmp_path, monkeypatch, "found_asked", compliance="1 / 0"),))
    (node,) = chosen(graph, ("compliance.fraud_detections",))
    assert node.names == ("compliance",)
    with pytest.raises(UnknownAsset, match=r"compliance\.colours"):
        chosen(graph, ("compliance.colours",))
