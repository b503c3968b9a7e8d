import csv
import io
import math
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import orjson
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protos.common.v1 import table_pb2
from shared.lake.snapshot import Snapshot
from shared.page import page
from shared.table_message import encoding_of, lineage_of, rfc3339, table_message, to_csv, to_items
from shared.tables import Column
from shared.tables.types import arrow_type

COLUMNS = tuple(
    Column(name, kind, True, f"What {name} is", unit)
    for name, kind, unit in (
        ("id", "VARCHAR", ""),
        ("amount", "DECIMAL(18,2)", "USD"),
        ("score", "DOUBLE", ""),
        ("n", "BIGINT", "orders"),
        ("is_new", "BOOLEAN", ""),
        ("day", "DATE", ""),
        ("at", "TIMESTAMP", "UTC"),
    )
)
SCHEMA = pa.schema([pa.field(column.name, arrow_type(column.type)) for column in COLUMNS])
LINEAGE = table_pb2.Lineage(table="demand.made_up", version=3)

rows_strategy = st.lists(
    st.fixed_dictionaries(
        {
            "id": st.none() | st.text(),
            "amount": st.none() | st.decimals(-(10**12), 10**12, places=2),
            "score": st.none() | st.floats(),
            "n": st.none() | st.integers(-(2**53), 2**53),
            "is_new": st.none() | st.booleans(),
            "day": st.none() | st.dates(),
            "at": st.none() | st.datetimes(datetime(1900, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC)),
        }
    ),
    max_size=5,
)


def _rows(*rows: dict[str, object]) -> pa.Table:
    return pa.Table.from_pylist(list(rows), schema=SCHEMA)


@settings(deadline=None)
@given(rows_strategy)
def test_rows_come_back_from_json_and_from_arrow_as_the_same_items(rows: list[dict[str, object]]) -> None:
    data = _rows(*rows)
    as_json = to_items(table_message(data, COLUMNS, LINEAGE, page({}, 10)))
    as_arrow = to_items(table_message(data, COLUMNS, LINEAGE, page({}, 10), "arrow"))
    assert as_json == as_arrow == [{name: _expected(value) for name, value in row.items()} for row in rows]


def _expected(value: object) -> object:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, datetime):
        return rfc3339(value)
    return value.isoformat() if isinstance(value, date) else value


@settings(deadline=None)
@given(st.datetimes(datetime(1, 1, 2), datetime(9999, 1, 1), timezones=st.just(UTC)))
def test_a_moment_is_written_in_rfc_3339_and_read_back(moment: datetime) -> None:
    assert datetime.fromisoformat(rfc3339(moment)) == moment
    assert rfc3339(moment).endswith("Z")


@pytest.mark.parametrize(
    ("microsecond", "text"), [(0, "12:30:05Z"), (120_000, "12:30:05.120Z"), (7, "12:30:05.000007Z")]
)
def test_a_moment_has_as_many_decimals_as_it_needs(microsecond: int, text: str) -> None:
    assert rfc3339(datetime(2017, 7, 1, 12, 30, 5, microsecond, tzinfo=UTC)) == f"2017-07-01T{text}"


def test_a_message_names_its_columns_and_counts_all_rows() -> None:
    data = _rows(*({"id": str(number)} for number in range(5)))
    message = table_message(data, COLUMNS[:2], LINEAGE, page({}, 2))
    assert (message.row_count, message.total_size) == (2, 5)
    assert message.columns[1] == table_pb2.Column(
        name="amount", type="DECIMAL(18,2)", unit="USD", description="What amount is"
    )
    assert orjson.loads(message.json_columns) == {"id": ["0", "1"], "amount": [None, None]}
    following = table_message(data, COLUMNS[:2], LINEAGE, page({}, 2, message.next_page_token))
    assert [item["id"] for item in to_items(following)] == ["2", "3"]
    last = table_message(data, COLUMNS[:2], LINEAGE, page({}, 2, following.next_page_token))
    assert ([item["id"] for item in to_items(last)], last.next_page_token) == (["4"], "")


def test_no_rows_are_an_empty_list_in_both_encodings() -> None:
    for encoding in ("json", "arrow"):
        message = table_message(_rows(), COLUMNS, LINEAGE, page({}), encoding)
        assert to_items(message) == []
        assert message.total_size == 0


def test_lineage_tells_what_the_rows_were_made_from() -> None:
    computed_at = datetime(2018, 1, 2, 3, 4, 5, 600_000, tzinfo=UTC)
    rows = pa.table(
        {
            "data_through_on": pa.array([date(2017, 12, 30), date(2017, 12, 31)]),
            "model_name": pa.array([None, "tiers"]),
            "model_version": pa.array([None, "1.0.0"]),
            "computed_at": pa.array([computed_at, computed_at - timedelta(days=1)], pa.timestamp("us", tz="UTC")),
        }
    )
    lineage = lineage_of(_snapshot(degraded="version 5 cannot be read"), rows)
    assert (lineage.table, lineage.version, lineage.degraded) == ("demand.x", 4, "version 5 cannot be read")
    assert (lineage.data_through_on, lineage.model_name, lineage.model_version) == ("2017-12-31", "tiers", "1.0.0")
    assert lineage.computed_at.ToDatetime(UTC) == computed_at


def test_rows_without_the_prod_tail_have_the_lineage_of_their_commit() -> None:
    lineage = lineage_of(_snapshot(), _rows())
    assert (lineage.data_through_on, lineage.model_name) == ("", "")
    assert lineage.computed_at.ToDatetime(UTC) == _snapshot().committed_at


def _snapshot(degraded: str = "") -> Snapshot:
    return Snapshot("demand.x", 4, datetime(2018, 1, 1, tzinfo=UTC), (), SCHEMA, {}, 0, degraded, changed_version=4)


def test_csv_is_plain_and_exact() -> None:
    row = {
        "id": 'with "quotes", and\nlines',
        "amount": Decimal("-12.50"),
        "score": math.nan,
        "n": -3,
        "is_new": True,
        "day": date(2017, 1, 2),
        "at": datetime(2017, 1, 2, 3, 4, 5, tzinfo=UTC),
    }
    message = table_message(_rows(row, {}), COLUMNS, LINEAGE, page({}), "arrow")
    assert to_csv(message.arrow_stream).decode() == (
        "id,amount,score,n,is_new,day,at\r\n"
        '"with ""quotes"", and\nlines",-12.50,,-3,true,2017-01-02,2017-01-02T03:04:05Z\r\n'
        ",,,,,,\r\n"
    )


@settings(deadline=None)
@given(st.text(min_size=1))
def test_no_cell_of_text_is_a_formula(text: str) -> None:
    message = table_message(_rows({"id": text}), COLUMNS[:1], LINEAGE, page({}), "arrow")
    cell = list(csv.reader(io.StringIO(to_csv(message.arrow_stream).decode(), newline="")))[1][0]
    assert cell[0] not in "=+-@\t\r\n"
    assert cell in (text, f"'{text}")


def test_the_encoding_is_asked_for_in_the_metadata() -> None:
    assert encoding_of({"table-encoding": "arrow"}) == "arrow"
    assert encoding_of({}) == encoding_of({"table-encoding": "xml"}) == "json"
