"""The Glue catalogue follows the contract: applied to a Glue API server and read back."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import boto3
import pytest

from pipeline.__main__ import main
from pipeline.glue import catalogue, registered
from pipeline.settings import PipelineSettings
from shared.lake import Zones
from shared.tables import CONTRACT
from shared.tables.derived import glue_columns
from tests.s3_server import KEYS, s3_server

ZONES = {**Zones.under("s3://lake/shop").uris}


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    with s3_server() as options:
        yield options["aws_endpoint_url"]


@pytest.fixture
def glue(endpoint: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    boto3.client("s3", endpoint_url=endpoint, region_name="us-east-1", **KEYS)
    for name, value in {**KEYS, "aws_endpoint_url": endpoint, "aws_default_region": "us-east-1"}.items():
        monkeypatch.setenv(name.upper(), value)
    return boto3.client("glue")


def test_every_table_that_is_made_stands_in_the_catalogue_as_the_contract_says(glue: Any) -> None:
    wanted = catalogue.entries(ZONES, "whole_")
    assert len(catalogue.apply(glue, wanted)) == len(wanted)
    live = [table for table in CONTRACT.values() if table.status == "live"]
    assert len(wanted) == len(live)
    for table in live:
        there = glue.get_table(DatabaseName=f"whole_{table.zone}", Name=table.name)["Table"]
        columns = there["StorageDescriptor"]["Columns"]
        assert [(c["Name"], c["Type"]) for c in columns] == [(c["Name"], c["Type"]) for c in glue_columns(table)]
        assert there["StorageDescriptor"]["Location"] == f"{ZONES[table.zone]}/{table.name}"
        assert there["Parameters"]["table_type"] == "DELTA"
        assert [key["Name"] for key in there["PartitionKeys"]] == (["_month"] if table.by_month else [])


def test_applying_twice_changes_nothing(glue: Any) -> None:
    wanted = catalogue.entries(ZONES, "twice_")
    catalogue.apply(glue, wanted)
    assert catalogue.drift(glue, wanted) == []
    assert catalogue.apply(glue, wanted) == []


def test_what_somebody_changed_is_shown_and_put_right(glue: Any) -> None:
    wanted = catalogue.entries(ZONES, "drift_")
    catalogue.apply(glue, wanted)
    orders = next(entry for entry in wanted if entry.table["Name"] == "orders")
    columns = [
        {**c, "Type": "string"} if c["Name"] == "total" else c for c in orders.table["StorageDescriptor"]["Columns"]
    ]
    changed = {**orders.table, "StorageDescriptor": {**orders.table["StorageDescriptor"], "Columns": columns}}
    glue.update_table(DatabaseName="drift_curated", TableInput=changed)
    (found,) = catalogue.drift(glue, wanted)
    assert (found.name, found.field, found.there, found.wanted) == (
        "drift_curated.orders",
        "StorageDescriptor.Columns.total.Type",
        "string",
        "decimal(18,2)",
    )
    assert catalogue.apply(glue, wanted) == [found]
    assert catalogue.drift(glue, wanted) == []


def test_what_others_keep_with_a_table_stays_when_it_is_put_right(glue: Any) -> None:
    wanted = catalogue.entries(ZONES, "shared_")
    catalogue.apply(glue, wanted)
    orders = next(entry for entry in wanted if entry.table["Name"] == "orders")
    storage = orders.table["StorageDescriptor"]
    noted = [{**c, "Parameters": {"tag": "money"}} if c["Name"] == "total" else c for c in storage["Columns"]]
    theirs = {
        **orders.table,
        "Owner": "finance",
        "Description": "somebody else's words",
        "Parameters": {"table_type": "OTHER", "lake_formation_tag": "gold"},
        "StorageDescriptor": {**storage, "Columns": noted, "Parameters": {"crawler": "nightly"}},
    }
    glue.update_table(DatabaseName="shared_curated", TableInput=theirs)
    catalogue.apply(glue, wanted)
    assert catalogue.drift(glue, wanted) == []
    there = glue.get_table(DatabaseName="shared_curated", Name="orders")["Table"]
    assert there["Parameters"] == {**orders.table["Parameters"], "lake_formation_tag": "gold"}
    assert (there["Owner"], there["Description"]) == ("finance", orders.table["Description"])
    assert there["StorageDescriptor"]["Parameters"] == {"crawler": "nightly"}
    (total,) = [c for c in there["StorageDescriptor"]["Columns"] if c["Name"] == "total"]
    assert total["Parameters"] == {"tag": "money"}


def test_the_command_shows_then_mends_then_has_nothing_to_do(
    glue: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LAKE_URI", "s3://lake/shop")
    monkeypatch.setenv("GLUE_PREFIX", "command_")
    codes = [main(["glue", "--dry-run"]), main(["glue", "--apply"]), main(["glue"])]
    assert codes == [1, 0, 0]
    assert "all as the contract says" in capsys.readouterr().out


def test_a_lake_in_a_folder_is_refused_with_the_remedy() -> None:
    with pytest.raises(catalogue.ZoneNotInStore, match="LAKE_URI"):
        catalogue.entries(Zones.under("/somewhere").uris)


def test_tables_of_registered_systems_stand_in_it_as_their_catalogues_tell_and_reach_no_other_zone(
    glue: Any, endpoint: str
) -> None:
    store = boto3.client("s3", endpoint_url=endpoint, region_name="us-east-1", **KEYS)
    store.create_bucket(Bucket="registered")
    columns = [
        {"name": "city", "type": "VARCHAR", "unit": "", "description": "City"},
        {"name": "mean", "type": "DOUBLE", "unit": "°C", "description": "Mean"},
        {"name": "odd", "type": "struct<x:int>", "unit": "", "description": ""},
    ]
    days = {"name": "days", "description": "One row a city", "columns": columns}
    # What a system wrote into its own zone: another zone's name, names that are none, no JSON at all.
    for zone, content in {
        "weather": {"name": "curated", "tables": [days]},
        "evil": {"name": "evil", "tables": [{**days, "name": "../curated/orders"}]},
        "broken": None,
        "demand": {"name": "demand", "tables": [days]},
    }.items():
        body = b"{" if content is None else json.dumps(content).encode()
        store.put_object(Bucket="registered", Key=f"lake/prod/{zone}/_catalogue.json", Body=body)
    options = {f"aws_{name}": value for name, value in KEYS.items()}
    settings = PipelineSettings(
        lake_uri="s3://registered/lake", storage_options={**options, "aws_endpoint_url": endpoint}, glue_prefix="more_"
    )
    wanted = registered.entries(settings)
    assert [one.name for one in wanted] == ["more_weather.days"]
    catalogue.apply(glue, wanted)
    there = glue.get_table(DatabaseName="more_weather", Name="days")["Table"]["StorageDescriptor"]
    assert there["Location"] == "s3://registered/lake/prod/weather/days"
    assert [(one["Name"], one["Type"]) for one in there["Columns"]] == [
        ("city", "string"),
        ("mean", "double"),
        ("odd", "string"),
    ]
