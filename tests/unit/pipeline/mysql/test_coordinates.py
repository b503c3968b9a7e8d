from __future__ import annotations

import pytest

from pipeline.mysql.coordinates import Coordinates, source_position
from pipeline.mysql.schema import PRIVATE, extractable
from pipeline.mysql.state import Progress, State
from pipeline.pci import Action, action_of


def test_positions_sort_as_the_binlog_runs_past_file_999999_too() -> None:
    places = [
        ("a", "bin.000009", 999, 1),
        ("a", "bin.000010", 4, 0),
        ("a", "bin.999999", 4, 9),
        ("a", "bin.1000000", 4, 0),
    ]
    positions = [source_position(*place) for place in [*places, ("b", "bin.000001", 4, 0)]]
    assert positions == sorted(positions)
    assert positions[0] == "a/bin.0000000009/000000000000999/000000001"


def test_a_state_that_was_written_is_read_as_it_was() -> None:
    at = Coordinates("bin.000001", 4, "0-1-2", 17)
    state = State(7, "shop", at, {"orders": Progress("e", at, False, 3, ["o1", 2], {"a": "string"})}, [], {"x": 1})
    assert State.read(state.written()) == state


def test_a_key_that_is_a_card_number_is_not_written_into_the_state() -> None:
    at = Coordinates("bin.000001", 4)
    state = State(7, "shop", at, {"orders": Progress("e", at, after=["4111111111111111"])})
    assert "4111" not in repr(state.written())


@pytest.mark.parametrize("table", PRIVATE)
def test_no_private_column_is_kept(table: str) -> None:
    kept = {Action.ID, Action.TEXT}
    assert [c for c in PRIVATE[table] if action_of(extractable()[table], c) in kept] == []


@pytest.mark.parametrize(
    ("column", "action"),
    [
        ("cvv2", Action.FORBIDDEN),
        ("securityCode", Action.FORBIDDEN),
        ("track_2", Action.FORBIDDEN),
        ("cc_number", Action.CARD),
        ("cardNumber", Action.CARD),
        ("creditCard", Action.FORBIDDEN),
        ("card_bin", Action.TEXT),
        ("order_id", Action.ID),
        ("contact_phone", Action.DROP),
        ("shipping_speed", Action.TEXT),
        ("company", Action.TEXT),
    ],
)
def test_a_columns_name_decides_what_becomes_of_it(column: str, action: Action) -> None:
    assert action_of(extractable()["payments"], column) is action
