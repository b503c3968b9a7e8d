"""The rules of fields: what each refuses, under which name, and what it never repeats."""

from __future__ import annotations

import pytest

from shared.errors import InvalidArgument
from shared.transcode.body import depth
from shared.transcode.negotiate import chosen, unchanged
from shared.transcode.request import validated
from shared.transcode.validate import validator
from tests.unit.shared.transcode.samples import sample

RULES = validator(sample("Rules").DESCRIPTOR)
GOOD = {"name": "abc"}


def wrong(**values) -> list[str]:
    with pytest.raises(InvalidArgument) as error:
        validated(RULES, {**GOOD, **values}, True)
    return [one.field for one in error.value.errors]


def test_a_default_is_taken_when_the_field_is_absent():
    assert validated(RULES, GOOD, True) == {"name": "abc", "size": 3}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", ""),
        ("name", "abcdef"),
        ("name", "ABC"),
        ("name", "abc\n"),
        ("name", 5),
        ("name", None),
        ("size", 0),
        ("size", 11),
        ("size", "5"),
        ("size", 5.5),
        ("size", True),
        ("size", 10**30),
        ("mail", "nobody"),
        ("mail", "a@b@c.example"),
        ("day", "2026-02-30"),
        ("day", "20260201"),
        ("day", "2026-2-1"),
        ("moment", "2026-02-01T10:00:00"),
        ("moment", "soon"),
        ("link", "example.com"),
        ("link", "http://[bad"),
        ("kind", "c"),
        ("tags", ["x", "y", "z"]),
        ("tags", "x"),
        ("share", 1.01),
        ("share", float("nan")),
        ("share", "0.5"),
        ("count", -1),
        ("count", 2**32),
        ("at", "yesterday"),
        ("took", "5 minutes"),
        ("raw", "not base64!"),
        ("unknown", 1),
    ],
)
def test_a_value_against_its_rule_is_refused_by_name(field, value):
    assert wrong(**{field: value}) == [field]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("size", 5.0),
        ("mail", "ada@example.com"),
        ("day", "2024-02-29"),
        ("moment", "2026-02-01T10:00:00+02:00"),
        ("link", "https://example.com/a?b=c"),
        ("share", 1),
        ("tags", ["x", "y"]),
        ("names", {"-5": "a"}),
    ],
)
def test_a_value_within_its_rule_is_taken(field, value):
    assert validated(RULES, {**GOOD, field: value}, True)[field] == value


def test_items_and_keys_are_named_by_their_path():
    assert wrong(tags=["x", "q"]) == ["tags.1"]
    assert wrong(names={"one": "a"})[0].startswith("names.one")


def test_only_one_of_a_oneof_may_be_given():
    with pytest.raises(InvalidArgument) as error:
        validated(RULES, {**GOOD, "left": "a", "right": "b"}, True)
    assert error.value.errors[0].detail == "Give only one of left, right"


def test_a_required_field_is_asked_for():
    with pytest.raises(InvalidArgument) as error:
        validated(RULES, {}, True)
    assert [(one.field, one.detail) for one in error.value.errors] == [("name", "is required")]


def test_a_wrong_value_is_told_unless_the_request_holds_a_secret():
    details = []
    for told in (True, False):
        with pytest.raises(InvalidArgument) as error:
            validated(RULES, {**GOOD, "kind": "hunter2"}, told)
        details.append(error.value.errors[0].detail)
    assert "hunter2" in details[0]
    assert "hunter2" not in details[1]


def test_brackets_in_strings_do_not_nest():
    assert depth(b'{"a": "[[[[", "b": ["\\"[", {}]}') == 3


@pytest.mark.parametrize(
    ("accept", "best"),
    [
        (b"text/csv", "text/csv"),
        (b"text/*;q=0.5, application/json;q=0.4", "text/csv"),
        (b"application/json, text/csv", "application/json"),
        (b"*/*;q=0.1, text/csv;q=0.2", "text/csv"),
        (b"image/png", "application/json"),
        (b"text/csv;q=0", "application/json"),
        (b";;,,q=", "application/json"),
    ],
)
def test_the_media_type_the_caller_likes_best_is_chosen(accept, best):
    assert chosen(accept, ("application/json", "text/csv")) == best


@pytest.mark.parametrize(("held", "same"), [(b"*", True), (b'"b", W/"a"', True), (b'"a"', True), (b'"b"', False)])
def test_entity_tags_are_compared_weakly(held, same):
    assert unchanged(held, b'W/"a"') is same
