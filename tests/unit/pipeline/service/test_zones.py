"""The prod zone of a registered system and the catalogue in it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from pipeline.service.zones import CATALOGUE, LakeNotWritable, ZoneRefused, ZoneServicer
from pipeline.settings import PipelineSettings
from protos.common.v1 import system_pb2, table_pb2, zones_pb2
from shared import principal
from shared.principal import Principal
from shared.rpc.access import PermissionMissing

MANAGER = Principal("ada", permissions=frozenset({"platform:manage"}))


def asked(**changes: Any) -> zones_pb2.AddZoneRequest:
    columns = [table_pb2.Column(name="city", type="VARCHAR", description="City")]
    table = system_pb2.TableInfo(name="days", description="One row a city", columns=columns)
    return zones_pb2.AddZoneRequest(**{"name": "weather", "title": "Weather", "tables": [table], **changes})


async def add(settings: PipelineSettings, caller: Principal = MANAGER, **changes: Any) -> bool:
    principal.current.set(caller)
    return (await ZoneServicer(settings).AddZone(asked(**changes), None)).made


def written(folder: Path) -> list[Path]:
    return list(folder.rglob(CATALOGUE))


@pytest.fixture
def settings(tmp_path: Path) -> PipelineSettings:
    return PipelineSettings(var_dir=tmp_path)


async def test_a_zone_is_made_once_and_its_catalogue_each_time(settings: PipelineSettings) -> None:
    assert await add(settings) is True
    folder = Path(settings.lake) / "prod" / "weather"
    (folder / "days").mkdir()
    assert await add(settings, title="Weather again") is False
    found = json.loads((folder / CATALOGUE).read_text())
    assert found["title"] == "Weather again"
    column = {"name": "city", "type": "VARCHAR", "unit": "", "description": "City"}
    assert found["tables"] == [{"name": "days", "description": "One row a city", "columns": [column]}]
    assert (folder / "days").is_dir()


async def test_a_zone_elsewhere_is_made_there(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    assert await add(PipelineSettings(var_dir=tmp_path, prod_uris={"weather": str(elsewhere)}))
    assert (elsewhere / CATALOGUE).exists()


async def test_only_who_manages_the_platform_makes_zones(settings: PipelineSettings) -> None:
    for caller in (principal.ANONYMOUS, Principal("eve", permissions=frozenset({"systems:manage", "pipeline:run"}))):
        with pytest.raises(PermissionMissing):
            await add(settings, caller)
    assert not (Path(settings.lake) / "prod").exists()


@pytest.mark.parametrize("name", ["demand", "raw", "curated", "prod", "", "..", "../raw", "we/ather", "Weather", "w"])
async def test_no_zone_of_the_platforms_own_and_nothing_outside_is_written(
    settings: PipelineSettings, name: str, tmp_path: Path
) -> None:
    with pytest.raises(ZoneRefused):
        await add(settings, name=name)
    assert written(tmp_path) == []


@pytest.mark.parametrize(
    "tables",
    [
        [system_pb2.TableInfo(name="../days")],
        [system_pb2.TableInfo(name="days"), system_pb2.TableInfo(name="days")],
        [system_pb2.TableInfo(name="days", columns=[table_pb2.Column(name="a b")])],
        [system_pb2.TableInfo(name=f"t{n}") for n in range(201)],
        [system_pb2.TableInfo(name="days", columns=[table_pb2.Column(name=f"c{n}") for n in range(501)])],
    ],
)
async def test_a_catalogue_that_is_none_is_refused(settings: PipelineSettings, tables: list[Any]) -> None:
    with pytest.raises(ZoneRefused):
        await add(settings, tables=tables)


async def test_a_lake_that_takes_nothing_is_told_as_that(tmp_path: Path) -> None:
    (tmp_path / "lake").write_text("no folder")
    with pytest.raises(LakeNotWritable):
        await add(PipelineSettings(var_dir=tmp_path))
