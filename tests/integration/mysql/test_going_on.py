"""Killed, cut off, restarted, purged: nothing is lost or doubled, and what cannot be mended is said."""

# ruff: noqa: E501  statements and samples as they are written

from __future__ import annotations

import contextlib
import multiprocessing
import os
import random
import signal
import threading
from pathlib import Path

import pymysql
import pytest

from pipeline.mysql.address import Address
from pipeline.mysql.coordinates import BinlogGone
from pipeline.mysql.extraction import Extraction, OtherServer, Plan
from pipeline.mysql.following import Following
from pipeline.raw import RawSourceBusy, RawZone
from shared.tokenise import Tokeniser
from tests.integration.mysql.server import Server
from tests.integration.mysql.shop import SERIES, SOURCE, Shop
from tests.waiting import eventually

KILLS = 20


def extract(url: str, folder: str) -> None:
    """What the killed process runs."""
    plan = Plan(SOURCE, chunk_rows=200, batch_rows=300)
    tokeniser = Tokeniser.load(Path(folder) / "secrets" / "keys.json")
    Extraction(RawZone.at(f"{folder}/raw"), Address.parse(url), plan, tokeniser, lambda: False).once()


def change_for_ever(shop: Shop, stop: threading.Event, draw: random.Random) -> None:
    """Insert, update, delete and move rows, in transactions of all sizes, some rolled back."""
    connection = shop.server.root(shop.database)
    with connection, connection.cursor() as cursor:
        round_ = 0
        while not stop.is_set():
            round_ += 1
            n, prefix = draw.randint(1, 60), f"w{round_}_"
            connection.begin()
            shop_orders = (
                "INSERT INTO orders (order_id, ordered_at, status, channel, country, currency_code, subtotal, discount, shipping,"
                f" tax, total) SELECT concat('{prefix}', seq), now(6), 'paid', 'online', 'US', 'USD', seq, 0, 0, 0, seq"
                f" FROM {SERIES.format(rows=n)}"
            )
            cursor.execute(shop_orders)
            cursor.execute("UPDATE orders SET total = total + 1, region = %s WHERE rand() < 0.05", (f"R{round_}",))
            cursor.execute("DELETE FROM orders WHERE rand() < 0.03")
            cursor.execute(
                "UPDATE orders SET order_id = concat('m', order_id) WHERE rand() < 0.01 AND length(order_id) < 40"
            )
            (connection.rollback if draw.random() < 0.2 else connection.commit)()
            stop.wait(0.02)


def test_killed_at_any_point_nothing_is_lost_and_nothing_doubled(shop: Shop, kills: int = KILLS) -> None:
    shop.orders(3_000)
    shop.lines(1_000)
    draw, stop = random.Random(11), threading.Event()
    changing = threading.Thread(target=change_for_ever, args=(shop, stop, draw))
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["pipeline.mysql.extraction", "tests.integration.mysql.test_going_on"])
    changing.start()
    killed = 0
    try:
        while killed < kills:
            process = context.Process(target=extract, args=(shop.server.url(shop.database), str(shop.folder)))
            process.start()
            process.join(draw.uniform(0.05, 0.9))
            if process.exitcode is None and process.pid:
                os.kill(process.pid, signal.SIGKILL)
                killed += 1
            process.join()
            assert process.exitcode in {0, -signal.SIGKILL}
    finally:
        stop.set()
        changing.join()
    shop.extract()
    shop.assert_same("orders", "order_items")
    assert len(shop.zone.commits(SOURCE)) > 1


def test_a_snapshot_that_was_cut_off_goes_on_and_what_changed_meanwhile_is_right(shop: Shop) -> None:
    shop.orders(1_000)
    chunks = 0

    def after_some() -> bool:
        nonlocal chunks
        chunks += 1
        return chunks > 8

    extraction = shop.extraction(after_some, chunk_rows=100)
    first = extraction.once()
    extraction.close()
    assert 0 < first.snapshot_rows < 1_000
    shop.run(
        "DELETE FROM orders WHERE order_id LIKE 'o9%'",
        "UPDATE orders SET order_id = concat('z', order_id), region = 'X'",
    )
    shop.orders(50, "new")
    second = shop.extract(chunk_rows=100)
    assert second.snapshot_rows > 0
    shop.assert_same("orders")


def test_a_second_reader_of_one_source_is_refused(shop: Shop) -> None:
    shop.orders(1)
    with shop.zone.begin(SOURCE), pytest.raises(RawSourceBusy):
        shop.extract()


def test_a_purged_binlog_is_told_with_its_remedy_and_nothing_is_skipped(own_server: Server, tmp_path: Path) -> None:
    with Shop.new(own_server, "shop", tmp_path, ["orders"]) as shop:
        shop.orders(10)
        shop.extract()
        shop.run("DELETE FROM orders WHERE order_id = 'o1'", "FLUSH BINARY LOGS", "FLUSH BINARY LOGS")
        eventually(lambda: purged(shop))
        before = len(shop.raw("orders"))
        with pytest.raises(BinlogGone, match=r"purged.*--snapshot-again"):
            shop.extract()
        assert len(shop.raw("orders")) == before
        shop.extract(again=True)
        shop.assert_same("orders")


def test_a_reset_binlog_is_not_taken_for_the_one_before(own_server: Server, tmp_path: Path) -> None:
    with Shop.new(own_server, "shop", tmp_path, ["orders"]) as shop:
        shop.orders(10)
        shop.extract()
        own_server.forget_binlogs(shop.connection)
        for number in range(12):
            shop.orders(500, f"n{number}_")
        with pytest.raises(BinlogGone, match="--snapshot-again"):
            shop.extract()


def test_another_server_or_database_is_refused_under_the_same_name(shop: Shop) -> None:
    shop.orders(1)
    shop.extract()
    with Shop.new(shop.server, f"{shop.database}_b", shop.folder, ["orders"]) as other:
        with pytest.raises(OtherServer, match="--source"):
            other.extract(tables=("orders",))


def test_following_goes_on_over_a_killed_connection_and_a_restart_and_ends_when_told(
    own_server: Server, tmp_path: Path
) -> None:
    with Shop.new(own_server, "shop", tmp_path, ["orders"]) as shop:
        shop.orders(10)
        stop, told = threading.Event(), []
        following = Following(lambda first: shop.extraction(stop.is_set, batch_seconds=0.2), stop, told.append)
        reading = threading.Thread(target=following.follow)
        reading.start()
        try:
            eventually(lambda: len(shop.raw("orders")) == 10)
            shop.orders(5, "a")
            eventually(lambda: len(shop.raw("orders")) == 15)
            kill_all_others(shop)
            shop.orders(5, "b")
            eventually(lambda: len(shop.raw("orders")) == 20)
            own_server.stop()
            own_server.start()
            shop.connection = own_server.root("shop")
            shop.orders(5, "c")
            eventually(lambda: len(shop.raw("orders")) == 25)
        finally:
            stop.set()
            reading.join(30)
        assert not reading.is_alive()
        shop.assert_same("orders")
        assert any("seconds behind" in line for line in told)


def kill_all_others(shop: Shop) -> None:
    others = "SELECT id FROM information_schema.processlist WHERE id <> connection_id() AND user = 'root'"
    for (identity,) in shop.run(others):
        with contextlib.suppress(pymysql.err.OperationalError):  # it has ended by itself
            shop.run(f"KILL {identity}")


def purged(shop: Shop) -> bool:
    """Return whether the first file is gone: the server keeps it until InnoDB is done with it."""
    shop.run("PURGE BINARY LOGS TO 'shop-bin.000003'")
    return shop.run("SHOW BINARY LOGS")[0][0] == "shop-bin.000003"
