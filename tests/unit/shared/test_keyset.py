"""Pages that begin after a row."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.keyset import key_after, token_after
from shared.page import InvalidPageToken

QUERY = {"search": "ada", "role": ""}


@given(st.text())
def test_a_token_brings_its_key_back(key: str) -> None:
    try:
        key.encode()
    except UnicodeEncodeError:
        return
    assert key_after(QUERY, token_after(QUERY, key)) == key


def test_without_a_token_the_first_page_is_meant() -> None:
    assert key_after(QUERY, "") is None


@given(st.text(max_size=60))
def test_what_is_no_token_of_this_query_is_refused(token: str) -> None:
    if token:
        with pytest.raises(InvalidPageToken):
            key_after(QUERY, token)


def test_a_token_belongs_to_one_query() -> None:
    with pytest.raises(InvalidPageToken):
        key_after({**QUERY, "role": "admin"}, token_after(QUERY, "x"))
