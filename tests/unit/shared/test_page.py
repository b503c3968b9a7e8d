import base64
import hashlib
import json
import struct
from collections.abc import Mapping

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from shared.page import InvalidPageToken, page

QUERY = {"table": "demand.rfm_scores", "filters": ["tier = gold"], "as_of": ""}


def sealed(query: Mapping[str, object], offset: int, version: int) -> str:
    """Return a token that anybody could make who has read the code."""
    head = struct.pack(">QQ", offset, version)
    seal = hashlib.blake2b(head + json.dumps(query, sort_keys=True).encode(), digest_size=12).digest()
    return base64.urlsafe_b64encode(head + seal).decode()


@settings(deadline=None)
@given(st.integers(0, 3000), st.integers(1, 1000), st.integers(0, 2**53))
def test_following_the_tokens_visits_every_row_once_at_one_version(total: int, size: int, version: int) -> None:
    offsets, token = [], ""
    while True:
        asked = page(QUERY, size, token)
        assert asked.version == (version if token else None)
        offsets.append(asked.offset)
        token = asked.next_token(version, total)
        if not token:
            break
    assert offsets == list(range(0, max(total, 1), size))


@pytest.mark.parametrize(
    "other",
    [QUERY | {"table": "demand.customer_segments"}, QUERY | {"filters": []}, QUERY | {"as_of": "3"}, {}],
)
def test_a_token_of_another_query_is_refused(other: dict[str, object]) -> None:
    token = page(QUERY, 10).next_token(7, 100)
    with pytest.raises(InvalidPageToken, match="another query") as refused:
        page(other, 10, token)
    assert refused.value.error_reason == "INVALID_PAGE_TOKEN"
    assert refused.value.errors[0].field == "page_token"


@settings(deadline=None)
@given(st.integers(0, 27), st.integers(1, 255))
def test_a_token_with_one_byte_changed_is_refused(at: int, mask: int) -> None:
    token = page(QUERY, 10).next_token(7, 100)
    sealed = bytearray(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
    sealed[at] ^= mask
    with pytest.raises(InvalidPageToken):
        page(QUERY, 10, base64.urlsafe_b64encode(sealed).decode())


@settings(deadline=None)
@given(st.text(min_size=1))
def test_no_made_up_token_is_taken(token: str) -> None:
    with pytest.raises(InvalidPageToken):
        page(QUERY, 10, token)


@settings(deadline=None)
@given(st.tuples(st.integers(0, 2**64 - 1), st.integers(0, 2**64 - 1)).filter(lambda pair: max(pair) > 2**53))
@example((2**53 + 1, 0))
@example((0, 2**63))
def test_a_forged_token_of_numbers_no_list_has_is_refused(numbers: tuple[int, int]) -> None:
    with pytest.raises(InvalidPageToken) as refused:
        page(QUERY, 10, sealed(QUERY, *numbers))
    assert refused.value.errors[0].field == "page_token"


def test_a_forged_token_shows_what_its_query_would_show() -> None:
    asked = page(QUERY, 10, sealed(QUERY, 2**53, 7))
    assert (asked.offset, asked.version) == (2**53, 7)
    assert asked.next_token(7, 100) == ""


def test_the_order_of_parameters_makes_no_other_query() -> None:
    token = page(QUERY, 10).next_token(7, 100)
    assert page(dict(reversed(QUERY.items())), 10, token).offset == 10


def test_a_page_has_fifty_rows_unless_asked_and_never_over_a_thousand() -> None:
    assert page(QUERY).size == 50
    assert page(QUERY, 5000).size == 1000
