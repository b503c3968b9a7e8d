"""What raw's columns are made of in each source: the other end of lineage.

Of a source whose mapping is SQL it is read off that SQL; of a mapping file it was committed with the rows; of a MySQL
database and a generated folder it follows from what the code does with their columns. Tables of a source are named
`<source>.<table>`, such as `complete-journey.transactions`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from pipeline.lineage.sql import Columns, Relations
from pipeline.lineage.trace import NOTHING
from pipeline.lineage.trace import Source as Place
from shared.errors import NotFound
from shared.tables import CONTRACT, Table, tables_of

if TYPE_CHECKING:
    from pipeline.settings import PipelineSettings

COMPLETE_JOURNEY = {
    "transactions": "household_id store_id basket_id product_id quantity sales_value retail_disc coupon_disc"
    " coupon_match_disc week transaction_timestamp",
    "products": "product_id manufacturer_id department brand product_category product_type package_size",
    "demographics": "household_id age income home_ownership marital_status household_size household_comp kids_count",
    "campaign_descriptions": "campaign_id campaign_type start_date end_date",
    "coupons": "coupon_upc product_id campaign_id",
}
MORE = {
    "more_customers": "customer_id full_name email_masked email_hmac registered_at region city marketing_opt_in"
    " latitude longitude",
    "more_products": "product_id margin supplier_id created_at",
    "more_promotions": "promotion_id channel discount_pct budget currency_code",
    "more_orders": "order_id region ordered_at",
}
"""What is simulated beside given rows: pipeline/sources/overlay.py."""
ONLINE_RETAIL = {
    "invoice": "InvoiceNo",
    "stock_code": "StockCode",
    "description": "Description",
    "quantity": "Quantity",
    "invoice_date": "InvoiceDate",
    "unit_price": "UnitPrice",
    "customer_id": "CustomerID",
    "country": "Country",
}
"""Columns as they are loaded, by the names of data set 352; 502 has Invoice, Price and Customer ID."""
UNREAD = ("kind", "_file", "_row", "rejected", "reason")
LINES = "invoice_lines"


class LineageOfSourceUnknown(NotFound):
    """Nobody said what the columns of a source are made of."""

    reason = "LINEAGE_OF_SOURCE_UNKNOWN"


@dataclass(frozen=True, slots=True)
class Origins:
    """One source's part in raw."""

    made: Mapping[str, Columns]
    """Table of raw, without its zone → column → columns of the source's tables."""
    given: Mapping[str, tuple[str, ...]]
    """Full name of a table of the source → its columns."""
    is_computed: bool
    """Read off the SQL, not said by hand."""
    simulated: frozenset[str] = frozenset()
    """Those of `given` that are made up."""


def _leaf(table: str, columns: Iterable[str]) -> Columns:
    meta = dict.fromkeys(("_file", "_row"), NOTHING)
    return {name: frozenset({(table, name)}) for name in columns} | meta


def _split(tables: Mapping[str, str], source: str) -> dict[str, tuple[str, ...]]:
    return {f"{source}.{name}": tuple(columns.split()) for name, columns in tables.items()}


@cache
def complete_journey() -> Origins:
    """Return what is made of the purchases, and of what is simulated on top of them."""
    from pipeline.sources.complete_journey import complete_journey as source  # noqa: PLC0415

    found = source(Path())
    simulated = {
        f"simulated_{table.name}": " ".join(column.name for column in table.business_columns)
        for table in _mapped(found.tables)
    } | MORE
    given = _split({**COMPLETE_JOURNEY, **simulated}, found.name)
    relations = Relations({name.partition(".")[2]: _leaf(name, columns) for name, columns in given.items()})
    for name in simulated:
        relations.known[name] = {column: places for column, places in relations.known[name].items() if places}
    # The views over the files come first: they are what is given.
    relations.run(found.prepare[len(found.files) :])
    made = {table: relations.columns(sql) for table, sql in found.tables.items()}
    used = {table for columns in made.values() for places in columns.values() for table, _ in places}
    known = {name: columns for name, columns in given.items() if name in used}
    return Origins(made, known, True, frozenset(f"{found.name}.{name}" for name in simulated) & used)


def _mapped(names: Iterable[str]) -> list[Table]:
    return [CONTRACT[f"curated.{name}"] for name in names]


@cache
def olist() -> Origins:
    """Return what is made of Olist's nine files."""
    from pipeline.sources.olist import FILES, NAME, olist  # noqa: PLC0415

    found = olist(Path())
    given = {f"{NAME}.{Path(file).stem}": tuple(columns.split()) for file, columns in FILES.values()}
    names = dict(zip((f"given_{name}" for name in FILES), given.items(), strict=True))
    relations = Relations({name: _leaf(*each) for name, each in names.items()})
    relations.known["unread"] = dict.fromkeys(UNREAD, NOTHING)
    relations.run(found.prepare)
    return Origins({table: relations.columns(sql) for table, sql in found.tables.items()}, given, True)


@cache
def online_retail() -> Origins:
    """Return what is made of the invoice lines; which sale a cancellation takes back is found outside of SQL."""
    from pipeline.sources.online_retail import lines, tables  # noqa: PLC0415
    from pipeline.sources.online_retail.source import NAME  # noqa: PLC0415

    table = f"{NAME}.{LINES}"
    loaded = {name: frozenset({(table, column)}) for name, column in ONLINE_RETAIL.items()}
    none = ("_file", "_row")
    relations = Relations({"given": loaded | dict.fromkeys(none, NOTHING)})
    # Looked up by the country's name.
    country = loaded["country"]
    relations.known["countries"] = {"name": country, "code": country}
    relations.known["regions"] = {"name": country, "region": country}
    relations.known["unread"] = dict.fromkeys(UNREAD, NOTHING)
    relations.run([lines.typed(""), lines.LINES])
    relations.known["taken"] = {"sale": NOTHING, "cancellation": NOTHING, "units": loaded["quantity"]}
    relations.run([lines.PARTS, lines.ORDERS])
    made = {name: relations.columns(sql) for name, sql in tables.TABLES.items()}
    return Origins(made, {table: tuple(ONLINE_RETAIL.values())}, True)


@cache
def synthetic() -> Origins:
    """Return what is made of a generated folder: its files have the contract's columns, and are read as they are."""
    from pipeline.sources.synthetic import NAME, OWN_TIME, VERSIONS, moment_of  # noqa: PLC0415

    made, given = {}, {}
    for table in _sources_tables():
        place = f"{NAME}.{VERSIONS.get(table.name, table.name)}"
        columns = tuple(column.name for column in table.business_columns)
        moment = "_source_ts" if table.name in OWN_TIME else moment_of(table)
        dated = {"_source_ts": frozenset({(place, moment)}) if moment else NOTHING}
        made[table.name] = {name: frozenset({(place, name)}) for name in columns} | dated
        given[place] = (*columns, "_source_ts") if table.name in OWN_TIME else columns
    return Origins(made, given, False)


def database(source: str, tables: Iterable[str] | None = None) -> Origins:
    """Return what is made of a shop's MySQL database: its columns under their own names, card and personal data hidden.

    Args:
        source: its name in raw.
        tables: those that were extracted; None: all that can be.
    """
    from pipeline.mysql.schema import PRIVATE  # noqa: PLC0415

    wanted = [table for table in _sources_tables() if tables is None or table.name in set(tables)]
    made, given = {}, {}
    for table in wanted:
        place = f"{source}.{table.name}"
        columns = (*(column.name for column in table.business_columns), *PRIVATE.get(table.name, {}))
        given[place] = columns
        made[table.name] = _guarded(table, place, columns)
    return Origins(made, given, False)


def _guarded(table: Table, place: str, columns: Iterable[str]) -> Columns:
    """Return the columns of a table as pipeline/pci.py lets them out."""
    from pipeline.pci import ADDRESSES, CARD_PARTS, EMAIL_PARTS, Action, action_of  # noqa: PLC0415

    address, lines = ADDRESSES.get(table.name, ("", ()))
    parts = {Action.CARD: CARD_PARTS, Action.EMAIL: EMAIL_PARTS}
    made: Columns = {}
    for name in columns:
        action = action_of(table, name)
        kept = (name,) if action in {Action.ID, Action.TEXT} else parts.get(action, ())
        for target in (*kept, *((address,) if name in lines else ())):
            made[target] = made.get(target, NOTHING) | {(place, name)}
    return made


def _sources_tables() -> list[Table]:
    return [table for table in tables_of("curated") if not table.name.endswith("_history")]


def noted(columns: Mapping[str, Mapping[str, Iterable[Iterable[str]]]]) -> Origins:
    """Return what a mapping file said, as it was committed with the rows: table → column → places in files."""
    made = {
        table: {name: frozenset(_place(each) for each in places) for name, places in mapped.items()}
        for table, mapped in columns.items()
    }
    given: dict[str, dict[str, None]] = {}
    for place, column in sorted({each for mapped in made.values() for places in mapped.values() for each in places}):
        given.setdefault(place, {})[column] = None
    return Origins(made, {place: tuple(names) for place, names in given.items()}, False)


def _place(each: Iterable[str]) -> Place:
    table, column = each
    return table, column


KNOWN: Mapping[str, Callable[[], Origins]] = MappingProxyType(
    {
        "complete-journey": complete_journey,
        "olist": olist,
        "online-retail": online_retail,
        "synthetic": synthetic,
        "mysql": lambda: database("mysql"),
    }
)
"""Sources of which it is known before anything was taken from them."""


def origins(settings: PipelineSettings, source: str = "") -> tuple[Origins, ...]:
    """Return what raw is made of: in the sources it has rows of, or where it is empty in the one that is set.

    Args:
        settings: where raw lies.
        source: one source alone, in raw or of those known beforehand.

    Raises LineageOfSourceUnknown.
    """
    from pipeline.raw import RawZone  # noqa: PLC0415

    raw = RawZone.at(settings.zone_uris()["raw"], settings.storage_options)
    there = raw.sources()
    if source and source not in (*there, *KNOWN):
        names = ", ".join(dict.fromkeys((*there, *KNOWN)))
        raise LineageOfSourceUnknown(f"the lineage of {source!r} is not known; known are: {names}")
    wanted = (source,) if source else there or (settings.source,)
    found = (_of(raw, name) for name in wanted if name in there or name in KNOWN)
    return tuple(found)


def _of(raw: Any, source: str) -> Origins:
    if source in KNOWN:
        return KNOWN[source]()
    columns = raw.state(source).get("columns")
    if columns:
        return noted(columns)
    # Everything else that writes raw copies a database: our own extraction, and AWS DMS.
    return database(source, [table.name for table in _sources_tables() if raw.files(table.name, source)])
