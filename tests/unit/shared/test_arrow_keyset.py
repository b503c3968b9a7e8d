from __future__ import annotations

import math
from datetime import UTC, date, datetime
from decimal import Decimal

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.arrow_keyset import LONGEST_TOKEN, after, first, opened, token_of
from shared.keyset import token_after
from shared.page import InvalidPageToken

SCHEMA = pa.schema(
    [
        ("id", pa.int64()),
        ("text", pa.string()),
        ("score", pa.float64()),
        ("money", pa.decimal128(18, 2)),
        ("flag", pa.bool_()),
        ("day", pa.date32()),
        ("at", pa.timestamp("us", tz="UTC")),
    ]
)
QUERY = {"table": "made_up"}
few = {
    "text": st.none() | st.sampled_from(["", "a", "b", "ä", "a b"]),
    "score": st.none() | st.sampled_from([0.0, -0.0, 0.1, math.inf, -math.inf, math.nan, 1 / 3]),
    "money": st.none() | st.sampled_from([Decimal("0.00"), Decimal("-1.50"), Decimal("9999999999999999.99")]),
    "flag": st.none() | st.booleans(),
    "day": st.none() | st.sampled_from([date(1789, 7, 14), date(2026, 1, 31)]),
    "at": st.none() | st.sampled_from([datetime(1969, 1, 1, tzinfo=UTC), datetime(2026, 1, 1, 0, 0, 0, 7, tzinfo=UTC)]),
}
orders = st.lists(
    st.tuples(st.sampled_from(sorted(few)), st.sampled_from(["ascending", "descending"])),
    max_size=3,
    unique_by=lambda key: key[0],
)


@settings(deadline=None)
@given(st.lists(st.fixed_dictionaries(few), max_size=12), orders, st.integers(1, 5))
def test_pages_one_after_the_other_are_the_whole_table_in_its_order(rows: list[dict], order: list, size: int) -> None:
    data = pa.Table.from_pylist([{"id": n, **row} for n, row in enumerate(rows)], SCHEMA)
    total = [*order, ("id", "descending")]
    whole = first(data, total, data.num_rows)["id"].to_pylist()
    seen, token = [], ""
    for _ in range(len(rows) + 1):
        place = opened(QUERY, token)
        left = after(data, total, place) if place else data
        page = first(left, total, size)
        seen += page["id"].to_pylist()
        if left.num_rows <= size:
            break
        token = token_of(QUERY, 3, page, total)
        assert opened(QUERY, token).version == 3
    assert seen == whole


def test_a_token_of_long_texts_is_none_and_one_of_another_query_is_refused() -> None:
    data = pa.Table.from_pylist([{"id": 1, "text": "x" * LONGEST_TOKEN}], SCHEMA)
    assert token_of(QUERY, 0, data, [("text", "ascending")]) == ""
    token = token_of(QUERY, 0, data, [("id", "ascending")])
    with pytest.raises(InvalidPageToken):
        opened({"table": "other"}, token)


@pytest.mark.parametrize("key", ["", "7", "[]", "[-1, []]", '["x", []]', "[0, {}]", "[0, [7]]", "[1e9, []]"])
def test_a_forged_token_is_refused(key: str) -> None:
    with pytest.raises(InvalidPageToken):
        opened(QUERY, token_after(QUERY, key))


@pytest.mark.parametrize(
    ("column", "text"),
    [
        ("id", "x"),
        ("id", "9" * 30),
        ("score", "x"),
        ("money", "x"),
        ("money", "1e400"),
        ("flag", "x"),
        ("day", "x"),
        ("at", "x"),
    ],
)
def test_a_place_of_no_such_value_is_refused(column: str, text: str) -> None:
    data = SCHEMA.empty_table()
    place = opened(QUERY, token_after(QUERY, f'[0, ["{text}"]]'))
    assert place is not None
    with pytest.raises(InvalidPageToken):
        after(data, [(column, "ascending")], place)
    with pytest.raises(InvalidPageToken):
        after(data, [(column, "ascending"), ("id", "ascending")], place)
