from __future__ import annotations

import argparse
from pathlib import Path

import pytest

from pipeline.settings import PipelineSettings
from pipeline.sources import SourceUnreadable, cli
from pipeline.sources.csv_mapping.checking import check, read_mapping
from pipeline.sources.csv_mapping.document import MappingInvalid
from pipeline.sources.csv_mapping.suggest import suggest
from tests.unit.pipeline.sources.shop import edit, open_shop


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    folder = open_shop(tmp_path / "shop")
    (folder / "mapping.yaml").unlink()
    (folder / "order_lines.csv").write_text(
        "order,artikel,qty,unit price,amount\nA1,x1,2,3.50,7.00\nA1,x2,1,1.00,1.00\nA2,x1,1,3.5,3.5\n"
    )
    (folder / "products.csv").write_text(
        "sku,title,category,price,active\nx1,Rose,plants,3.5,true\nx2,Pot,pots,1.0,false\n"
    )
    (folder / "foo.csv").write_text("foo,bar\n1,2\n")
    return folder


def proposed(shop: Path) -> Path:
    path = shop / "mapping.yaml"
    path.write_text(suggest(shop))
    return path


def test_the_proposal_is_a_mapping_of_which_the_checker_finds_only_what_was_left_open(shop: Path) -> None:
    with pytest.raises(MappingInvalid) as told:
        read_mapping(proposed(shop))
    assert {each.detail for each in told.value.problems} == {"still says TODO; decide it"}


def test_with_everything_decided_it_holds_against_the_files(shop: Path) -> None:
    path = proposed(shop)
    for old, new in {
        "channel: {const: TODO}": "channel: {const: online}",
        "country: {const: TODO}": "country: {const: DE}",
    }.items():
        edit(path, old, new)
    path.write_text(path.read_text().replace("currency_code: {const: TODO}", "currency_code: {const: EUR}"))
    path.write_text(path.read_text().replace("{const: TODO}", "{const: '0'}"))
    mapping = check(path, shop).mapping
    assert set(mapping.tables) == {"customers", "products", "orders", "order_items"}
    assert mapping.tables["orders"].columns["status"].values == {"bezahlt": "paid", "versandt": "shipped"}
    assert mapping.tables["orders"].columns["ordered_at"].date_format == "%d.%m.%Y %H:%M"
    assert mapping.tables["orders"].decimal == ","


def test_names_synonyms_keys_and_looks_are_told_with_how_sure_they_are(shop: Path) -> None:
    lines = [line.strip() for line in suggest(shop).splitlines()]
    assert "product_id: sku  # 0.98 like sku, values look like text" in lines
    assert "customer_id: Kunde  # 0.98 like kunde, values look like whole" in lines
    assert "line_number: {nth_in: order}  # 0.80 no column; counted" in lines
    assert "email_hmac: {email: E-Mail}  # 0.95 never as it is" in lines
    assert "- Tel  # personal or card data that the contract has no place for" in lines
    assert "# foo.csv: fits no table; columns: foo, bar" in lines


def test_a_column_whose_values_are_anothers_keys_refers_to_it(shop: Path) -> None:
    edit(shop / "order_lines.csv", "order,artikel", "order,xyzzy")
    assert "product_id: xyzzy  # 0.70 CHECK its values are those of products.csv's sku" in suggest(shop)


def test_files_of_one_layout_are_one_table(shop: Path) -> None:
    (shop / "bestellungen-2023.csv").write_text((shop / "bestellungen-2024.csv").read_text())
    assert 'file: "bestellungen-202*.csv"' in suggest(shop)


def test_an_empty_folder_is_told(tmp_path: Path) -> None:
    with pytest.raises(SourceUnreadable, match=r"has no \.csv"):
        suggest(tmp_path)


def test_the_command_writes_the_proposal(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    parser = argparse.ArgumentParser()
    cli.add(parser.add_subparsers(dest="command"))
    assert cli.execute(parser.parse_args(["csv-suggest", str(shop)]), PipelineSettings(var_dir=shop)) == 0
    assert capsys.readouterr().out == suggest(shop)


def test_run_takes_a_mapping_and_a_percentage(capsys: pytest.CaptureFixture[str]) -> None:
    run = argparse.ArgumentParser()
    cli.add_to_run(run)
    asked = run.parse_args(["--mapping", "m.yaml", "--max-rejected", "0.5"])
    assert (asked.mapping, asked.max_rejected) == (Path("m.yaml"), 0.5)
    with pytest.raises(SystemExit):
        run.parse_args(["--max-rejected", "101"])
    assert "from 0 to 100" in capsys.readouterr().err
