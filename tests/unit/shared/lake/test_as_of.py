from contextlib import suppress
from datetime import UTC, date, datetime, time, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.lake import AsOf, InvalidAsOf, parse_as_of


def test_an_empty_as_of_asks_for_the_newest() -> None:
    assert parse_as_of("") is None
    assert parse_as_of("  ") is None


@settings(deadline=None)
@given(st.integers(0, 10**17))
def test_digits_are_a_version(version: int) -> None:
    assert parse_as_of(str(version)) == AsOf(version=version)


@settings(deadline=None)
@given(st.dates())
def test_a_date_is_the_end_of_that_day_in_utc(day: date) -> None:
    assert parse_as_of(day.isoformat()) == AsOf(moment=datetime.combine(day, time.max, UTC))


@settings(deadline=None)
@given(
    st.datetimes(min_value=datetime(2, 1, 1), max_value=datetime(9998, 1, 1)),
    st.integers(-14 * 60, 14 * 60),
)
def test_a_time_with_any_offset_is_that_moment_in_utc(local: datetime, offset_minutes: int) -> None:
    moment = local.replace(tzinfo=timezone(timedelta(minutes=offset_minutes)))
    assert parse_as_of(moment.isoformat()) == AsOf(moment=moment.astimezone(UTC))


@pytest.mark.parametrize(
    "text",
    [
        "yesterday",
        "-1",
        "1.5",
        "2017-02-30",
        "2017-06-30T12:00:00",
        "2017-06-30T25:00:00Z",
        "20170630T120000Z",
        "١٢",
        "0001-01-01T00:00:00+14:00",
    ],
)
def test_anything_else_is_refused_with_the_forms_that_are_understood(text: str) -> None:
    with pytest.raises(InvalidAsOf, match="RFC 3339") as refused:
        parse_as_of(text)
    assert refused.value.errors[0].field == "as_of"


@settings(deadline=None)
@given(st.text())
def test_no_text_breaks_the_parser(text: str) -> None:
    with suppress(InvalidAsOf):
        parse_as_of(text)
