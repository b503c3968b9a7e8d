"""The JSON form: message → dict → message, and beside json_format where the rules are the same."""

from __future__ import annotations

import cProfile
import math
import pstats
from base64 import b64encode
from datetime import UTC, datetime

import orjson
from google.protobuf import json_format
from google.protobuf.descriptor import FieldDescriptor as F
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.transcode.decode import Decoders
from shared.transcode.encode import Encoders
from shared.transcode.validate import validator
from tests.unit.shared.transcode.samples import sample

Everything = sample("Everything")
ENCODE = Encoders().message(Everything.DESCRIPTOR)
FILL = Decoders().message(Everything.DESCRIPTOR)
VALIDATOR = validator(Everything.DESCRIPTOR)

NUMBERS = {
    "i32": st.integers(-(2**31), 2**31 - 1),
    "i64": st.integers(-(2**63), 2**63 - 1),
    "u32": st.integers(0, 2**32 - 1),
    "u64": st.integers(0, 2**64 - 1),
}
REAL = st.floats(allow_nan=False, allow_infinity=False)
SINGLE = st.floats(width=32, allow_nan=False, allow_infinity=False)
TEXT = st.text(st.characters(codec="utf-8"), max_size=8)
COLOUR = st.sampled_from(["red", "dark_blue"])
BASE64 = st.binary(max_size=6).map(lambda raw: b64encode(raw).decode())
TIME = st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30)).map(lambda one: one.isoformat() + "Z")
FREE = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | REAL.map(lambda one: one + 0.0) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=5,
)
FLAT = {
    **NUMBERS,
    "s64": NUMBERS["i64"],
    "f32": NUMBERS["u32"],
    "real": REAL,
    "single": SINGLE,
    "flag": st.booleans(),
    "text": TEXT,
    "raw": BASE64,
    "colour": COLOUR,
    "maybe_number": NUMBERS["i32"],
    "maybe_text": TEXT,
    "maybe_colour": COLOUR,
    "numbers": st.lists(NUMBERS["i64"], max_size=3),
    "texts": st.lists(TEXT, max_size=3),
    "colours": st.lists(COLOUR, max_size=3),
    "raws": st.lists(BASE64, max_size=3),
    "counts": st.dictionaries(TEXT, NUMBERS["i64"], max_size=3),
    "by_flag": st.dictionaries(st.sampled_from(["true", "false"]), TEXT),
    "at": TIME,
    "took": st.integers(-(10**9), 10**9).map(lambda seconds: f"{seconds}s"),
    "object": st.dictionaries(TEXT, FREE, max_size=3),
    "value": FREE,
    "list": st.lists(FREE, max_size=3),
    "wrapped_number": NUMBERS["i64"],
    "wrapped_text": TEXT,
    "wrapped_flag": st.booleans(),
    "wrapped_real": REAL,
    "reals": st.lists(REAL, max_size=3),
    "times": st.lists(TIME, max_size=2),
    "switch": st.sampled_from(["off", "on"]),
    "colour_of": st.dictionaries(TEXT, COLOUR, max_size=2),
    "singles": st.lists(SINGLE, max_size=3),
}


def nested(inner: st.SearchStrategy[dict]) -> st.SearchStrategy[dict]:
    more = {
        "inner": inner,
        "inners": st.lists(inner, max_size=2),
        "by_number": st.dictionaries(NUMBERS["i32"].map(str), inner, max_size=2),
    }
    one = st.sampled_from([("name", TEXT), ("number", NUMBERS["i64"]), ("nested", inner)])
    choice = one.flatmap(lambda pair: pair[1].map(lambda value: {pair[0]: value}))
    return st.builds(
        lambda a, b, c: {**a, **b, **c},
        st.fixed_dictionaries({}, optional=FLAT),
        st.fixed_dictionaries({}, optional=more),
        st.just({}) | choice,
    )


OBJECTS = st.recursive(st.fixed_dictionaries({}, optional=FLAT), nested, max_leaves=3)


def decoded(value: dict):
    message = Everything()
    FILL(value, message)
    return message


@settings(max_examples=60, deadline=None)
@given(OBJECTS)
def test_what_was_read_is_written_again(value):
    message = decoded(VALIDATOR.validate_python(value))
    again = orjson.loads(orjson.dumps(ENCODE(message)))
    assert decoded(VALIDATOR.validate_python(again)) == message
    shown = {name: content for name, content in again.items() if name in value}
    assert set(value) <= set(again)
    assert shown.keys() == value.keys()


@settings(max_examples=60, deadline=None)
@given(OBJECTS)
def test_numbers_and_names_agree_with_json_format_in_their_own_form(value):
    message = decoded(value)
    theirs = json_format.MessageToDict(
        message,
        preserving_proto_field_name=True,
        always_print_fields_with_no_presence=True,
        use_integers_for_enums=True,
    )
    assert as_json_format(ENCODE(message), message) == theirs


def as_json_format(ours: dict, message) -> dict:
    """Return our form with the rules undone that are ours alone: int64 as numbers, enums in lower case."""
    numbers = {"unspecified": 0, "red": 1, "dark_blue": 2, "off": 0, "on": 1}
    out = {}
    for field in message.DESCRIPTOR.fields:
        if field.name not in ours:
            if field.enum_type is not None and not field.has_presence:
                out[field.name] = 0
            continue
        value, content = ours[field.name], getattr(message, field.name)
        is_map = field.message_type is not None and field.message_type.GetOptions().map_entry
        kind = field.message_type.fields_by_name["value"] if is_map else field
        if kind.enum_type is not None:
            convert = lambda one, _: numbers[one]  # noqa: E731
        elif kind.message_type is not None and kind.message_type.name == "Everything":
            convert = as_json_format
        elif kind.cpp_type in (F.CPPTYPE_INT64, F.CPPTYPE_UINT64) or field.name == "wrapped_number":
            convert = lambda one, _: str(one)  # noqa: E731
        else:
            convert = lambda one, _: one  # noqa: E731
        if is_map:
            inside = {str(key).lower() if isinstance(key, bool) else str(key): one for key, one in content.items()}
            out[field.name] = {key: convert(one, inside[key]) for key, one in value.items()}
        elif field.is_repeated:
            out[field.name] = [convert(one, inner) for one, inner in zip(value, content, strict=True)]
        else:
            out[field.name] = convert(value, content)
    return out


def test_an_empty_message_shows_what_is_always_there_and_nothing_else():
    found = ENCODE(Everything())
    assert found["i64"] == 0
    assert found["text"] == ""
    assert found["numbers"] == []
    assert found["counts"] == {}
    assert found["switch"] == "off"
    absent = {"colour", "maybe_number", "maybe_text", "inner", "at", "object", "value", "wrapped_number", "name"}
    assert not absent & found.keys()


def test_a_set_optional_field_is_shown_even_when_it_is_zero():
    found = ENCODE(Everything(maybe_number=0, maybe_text="", number=0))
    assert (found["maybe_number"], found["maybe_text"], found["number"]) == (0, "", 0)


def test_nan_and_the_infinities_are_null():
    found = ENCODE(Everything(real=math.nan, single=math.inf, reals=[1.5, -math.inf]))
    assert (found["real"], found["single"], found["reals"]) == (None, None, [1.5, None])


def test_money_is_rounded_to_cents():
    price = sample("Price")
    assert Encoders().message(price.DESCRIPTOR)(price(amount=19.994999)) == {"amount": 19.99}
    assert Encoders().message(price.DESCRIPTOR)(price(amount=0.1 + 0.2)) == {"amount": 0.3}


def test_a_32_bit_float_is_written_as_it_was_meant():
    assert ENCODE(Everything(single=0.1))["single"] == 0.1


def test_times_are_utc_with_as_many_digits_as_they_need():
    message = Everything()
    message.at.FromDatetime(datetime(2026, 1, 31, 9, 0, 0, 120_000, tzinfo=UTC))
    assert ENCODE(message)["at"] == "2026-01-31T09:00:00.120Z"


def test_ten_thousand_calls_touch_no_descriptor():
    value = {"i32": 1, "text": "a", "inner": {"flag": True, "at": "2026-01-31T09:00:00Z"}, "numbers": [1, 2]}
    value |= {"object": {"a": [1, None]}, "counts": {"a": 1}, "colour": "red", "wrapped_text": "x"}
    profile = cProfile.Profile()
    profile.enable()
    for _ in range(10_000):
        ENCODE(decoded(VALIDATOR.validate_python(value)))
    profile.disable()
    called = [f"{file}:{name}" for file, _, name in pstats.Stats(profile).stats]
    assert len(called) > 10
    for forbidden in ("descriptor", "DESCRIPTOR", "ListFields", "json_format", "GetOptions", "fields_by_name"):
        assert not [one for one in called if forbidden in one], forbidden
