"""Each source of files ties to its ledger by a count of its own, and a row that its importer loses or doubles shows."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from rich.console import Console

from pipeline.batch import open_lake
from pipeline.display import Plain
from pipeline.generate.generate import generate
from pipeline.generate.world import Knobs
from pipeline.reconcile.lines import UNEXPLAINED, Line
from pipeline.reconcile.read import ledgers
from pipeline.records import RunRecord
from pipeline.request import Request
from pipeline.run import run
from pipeline.settings import PipelineSettings
from pipeline.sources import Source
from tests.unit.pipeline.sources.shop import open_shop
from tests.unit.pipeline.sources.test_olist import CONTENT, FILES
from tests.unit.pipeline.sources.test_online_retail import HEADER, LINES

ITEMS = """\
Bestellnr;Artikel;Menge;Preis
A1;Apfel;3;1.200,50
A1;Birne;1;34,00
A2;Apfel;1;10,00
"""
MAPPED_ITEMS = """\
  order_items:
    file: positionen.csv
    delimiter: ";"
    decimal: ","
    thousands: "."
    columns:
      order_id: Bestellnr
      line_number: {nth_in: Bestellnr}
      product_id: Artikel
      quantity: Menge
      unit_price: Preis
      discount: {const: "0"}
      line_total: Preis
      currency_code: {const: EUR}
"""


@dataclass(frozen=True)
class Shop:
    """A source and its folder."""

    source: str
    folder: Path


def online_retail(folder: Path) -> Shop:
    (folder / "data.csv").write_text(f"{HEADER}\n{LINES}536399,too,few\n")
    return Shop("online-retail", folder)


def olist(folder: Path) -> Shop:
    for table, (file, columns) in FILES.items():
        (folder / file).write_text(f"{columns.replace(' ', ',')}\n{CONTENT[table]}")
    with (folder / FILES["items"][0]).open("a") as file:
        file.write("o1,1,p1,s1,2017-10-06 11:07:15,30.99,8.72\no9,1,p1,s1,2017-10-06 11:07:15,1.00,8.72\ntoo,few\n")
    return Shop("olist", folder)


def csv(folder: Path) -> Shop:
    open_shop(folder)
    with (folder / "mapping.yaml").open("a") as file:
        file.write(MAPPED_ITEMS)
    (folder / "positionen.csv").write_text(ITEMS)
    with (folder / "bestellungen-2024.csv").open("a") as file:
        file.write('A2;8;02.07.2024 00:30;versandt;11,00;0,00;"zweite;\nFassung"\nA3;too;few\n;8;;;;;\n')
    return Shop("csv", folder)


def synthetic(folder: Path) -> Shop:
    generate(Knobs(orders=400, seed=5, start=date(2024, 11, 1), days=40, dirt=5.0), folder / "shop", lambda _: None)
    return Shop("synthetic", folder / "shop")


SHOPS = (online_retail, olist, csv, synthetic)


@pytest.fixture(params=SHOPS, ids=lambda shop: shop.__name__)
def shop(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shop:
    monkeypatch.setenv("VAR_DIR", str(tmp_path / "var"))
    (tmp_path / "given").mkdir()
    made: Shop = request.param(tmp_path / "given")
    return made


def taken(shop: Shop, var_dir: Path) -> tuple[RunRecord, list[Line]]:
    """Return the record of a run over what the source has, and all lines of the ledger added up over days."""
    settings = PipelineSettings(var_dir=var_dir, engine_memory="500MB")
    request = Request(shop.source, shop.folder, max_rejected=50.0)
    tables = [f"{zone}.{name}" for zone in ("raw", "curated") for name in request.origin().tables]
    record = run(settings, replace(request, only=tuple(tables)), Plain(Console(file=io.StringIO())))
    return record, [line for each in ledgers(open_lake(settings)) for line in each.lines]


def sabotaged(monkeypatch: pytest.MonkeyPatch, spoiled: Mapping[str, str]) -> None:
    """Let the importer's own SELECT of some tables (`t`) give other rows than it should."""
    origin = Request.origin

    def broken(self: Request) -> Source:
        found = origin(self)
        tables = {name: f"WITH t AS ({found.tables[name]}) {select}" for name, select in spoiled.items()}
        return replace(found, tables={**found.tables, **tables})

    monkeypatch.setattr(Request, "origin", broken)


def test_every_table_of_a_source_has_a_control_and_ties_to_it(shop: Shop, tmp_path: Path) -> None:
    record, lines = taken(shop, tmp_path / "var")
    assert record.status == "succeeded", record.failures
    assert [line for line in lines if line.reason == UNEXPLAINED] == []
    tables = {f"curated.{name}" for name in Request(shop.source, shop.folder).origin().tables}
    assert {line.table for line in lines if line.stage == "source" and line.reason == "given"} == tables


def test_a_row_that_the_importer_loses_or_doubles_and_a_cent_that_it_adds_are_unexplained(
    shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lost = "(SELECT min((order_id, line_number)) FROM t WHERE TRY_CAST(line_total AS DECIMAL(18,2)) > 0)"
    raised = "(SELECT max((_file, _row)) FROM t WHERE TRY_CAST(total AS DECIMAL(18,2)) > 0)"
    total = f"if((_file, _row) = {raised}, (TRY_CAST(total AS DECIMAL(18,2)) + 0.01)::VARCHAR, total::VARCHAR)"
    spoiled = {
        "order_items": f"FROM t WHERE (order_id, line_number) IS DISTINCT FROM {lost}",
        "orders": f"SELECT * REPLACE ({total} AS total) FROM t",
        "customers": "FROM t UNION ALL BY NAME (SELECT * REPLACE ('again' AS customer_id) FROM t LIMIT 1)",
    }
    sabotaged(monkeypatch, spoiled)
    record, lines = taken(shop, tmp_path / "var")
    assert {f"pipeline.reconciliation[curated.{name}]" for name in spoiled} == set(record.failures)
    gaps = {line.table: line for line in lines if line.reason == UNEXPLAINED}
    assert {(gap.table, gap.stage, gap.rows) for gap in gaps.values()} == {
        ("curated.order_items", "raw", 1),
        ("curated.orders", "raw", 0),
        ("curated.customers", "raw", -1),
    }
    assert gaps["curated.orders"].amount == Decimal("-0.01")
    assert (gaps["curated.order_items"].amount or 0) > 0
