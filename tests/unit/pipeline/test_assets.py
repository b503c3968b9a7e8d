from __future__ import annotations

import dagster as dg
import pytest

from pipeline import assets
from pipeline.assets import UnknownAsset, chosen, nodes
from pipeline.definitions import asset_key, defs
from pipeline.replay import downstream
from pipeline.sources import source
from pipeline.systems.functions import batch_functions
from shared.tables import CONTRACT


def test_every_table_that_the_source_maps_has_a_function_and_so_has_what_it_refers_to() -> None:
    functions = {f"curated.{name}" for name in assets.curated_functions()}
    assert functions >= {f"curated.{name}" for name in source("complete-journey").tables}
    assert functions >= {reference.table for name in functions for reference in CONTRACT[name].references}


def test_a_curated_function_reads_every_table_its_contract_refers_to() -> None:
    for node in nodes():
        (name, *_) = node.makes
        if name.startswith("curated.") and not name.endswith("_history"):
            referred = {reference.table for reference in CONTRACT[name].references} - {name}
            assert {read for read in node.reads if read.startswith("curated.")} == referred


def test_batch_functions_are_found_by_name_and_argument() -> None:
    found = {function.makes: function.reads for function in batch_functions()}
    assert found["demand.rfm_scores",] == ("curated.orders", "curated.customers")
    assert found["demand.customer_segments",] == ("demand.rfm_scores",)


def test_definitions_load_and_tell_the_lineage() -> None:
    dg.Definitions.validate_loadable(defs)
    graph = defs.resolve_asset_graph()
    assert graph.get(asset_key("curated.orders")).parent_keys >= {
        asset_key("raw.orders"),
        asset_key("curated.customers"),
    }
    assert graph.get(asset_key("demand.customer_segments")).parent_keys == {asset_key("demand.rfm_scores")}


def test_a_table_is_chosen_by_either_way_of_writing_it() -> None:
    graph = nodes()
    dots, slashes = (chosen(graph, (name,)) for name in ("curated.orders", "curated/orders"))
    assert [node.makes for node in dots] == [node.makes for node in slashes] == [("curated.orders",)]


def test_an_unknown_table_is_refused_with_those_there_are() -> None:
    with pytest.raises(UnknownAsset, match=r"curated\.orders"):
        chosen(nodes(), ("curated.nothing",))


def test_downstream_of_a_table_is_what_is_made_from_it_at_any_remove() -> None:
    made = {table for node in downstream(nodes(), {"curated.orders"}) for table in node.makes}
    assert {"curated.orders", "curated.order_items", "demand.rfm_scores", "demand.customer_segments"} <= made
    assert not made & {"curated.customers", "curated.products", "raw.orders"}
