"""A disk that is really full, at every step of a batch."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from pipeline.mysql.writer import RawZoneFull
from tests.integration.lake.conftest import small_disk  # noqa: F401  a fixture
from tests.integration.lake.test_full_disk import free_left
from tests.integration.mysql.shop import SOURCE, Shop

ROWS = 20_000
LEFT = (0, 4_096, 40_000, 150_000)
"""Bytes that are free: none for a batch's first file, for part of its rows, for almost all of them."""


def extract_on(shop: Shop, disk: Path, left: int) -> None:
    free_left(disk, left)
    with pytest.raises(RawZoneFull, match="make room"):
        shop.extract(chunk_rows=2_000)
    (disk / "ballast").unlink()


@pytest.fixture
def small_shop(shop: Shop, small_disk: Path) -> Shop:  # noqa: F811
    """A shop whose raw zone has 3 MiB."""
    small = replace(shop, folder=small_disk)
    small.orders(10)
    small.extraction().close()  # its keys are there
    return small


@pytest.mark.parametrize("left", LEFT)
def test_a_snapshot_that_fills_the_disk_goes_on_when_there_is_room(small_shop: Shop, left: int) -> None:
    small_shop.orders(ROWS, "x")
    extract_on(small_shop, small_shop.folder, left)
    small_shop.extract()
    small_shop.assert_same("orders")


@pytest.mark.parametrize("left", LEFT)
def test_changes_that_fill_the_disk_cost_nothing_that_was_committed(small_shop: Shop, left: int) -> None:
    small_shop.extract()
    before = small_shop.zone.commits(SOURCE)
    small_shop.orders(ROWS, "x")
    extract_on(small_shop, small_shop.folder, left)
    assert small_shop.zone.commits(SOURCE) == before
    assert len(small_shop.raw("orders")) == 10
    small_shop.extract()
    small_shop.assert_same("orders")
