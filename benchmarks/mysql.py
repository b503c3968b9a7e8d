"""`python -m benchmarks.mysql [--server KIND] [--rows N] [--kills N]`: MySQL → raw in rows per CPU-second, against its targets.

It starts a server of its own: MariaDB, or MySQL where its `mysqld` is on PATH (`--server mysql`). `--kills 200` runs the crash test so often instead.
"""

# ruff: noqa: E501, SIM117

from __future__ import annotations

import argparse
import hashlib
import tempfile
import time
from pathlib import Path

from tests.integration.mysql.server import KINDS, running
from tests.integration.mysql.shop import SERIES, Shop

TARGETS = {
    "snapshot": 40_000,
    "binlog, inserts": 15_000,
    "binlog, updates": 15_000,
    "binlog, single-row transactions": 15_000,
}
PAY = (
    "INSERT INTO payments (payment_id, order_id, method, amount, currency_code, status, authorized_at, card_number)"
    " SELECT concat('{prefix}', seq), concat('o', seq), 'card', seq / 100, 'USD', 'captured', now(6),"
    " concat('411111', lpad(seq % 100000, 10, '0')) FROM " + SERIES
)


def checksum(rows: dict) -> str:
    return hashlib.sha256(repr(sorted((k, sorted(r.items())) for k, r in rows.items())).encode()).hexdigest()[:16]


def measured(name: str, shop: Shop) -> None:
    begun, wall = time.process_time(), time.monotonic()
    done = shop.extract()
    cpu, rows = time.process_time() - begun, done.snapshot_rows + done.change_rows
    rate, target = rows / cpu, TARGETS[name]
    print(
        f"{name:34} {rows:>9,} rows {cpu:7.2f} CPU s {time.monotonic() - wall:7.2f} s"
        f" {rate:>9,.0f} rows/CPU s (target {target:,}: {'met' if rate >= target else 'MISSED'})"
    )


def main() -> None:
    asked = argparse.ArgumentParser()
    asked.add_argument("--rows", type=int, default=200_000)
    asked.add_argument("--server", choices=KINDS, default="mariadb")
    asked.add_argument("--kills", type=int, default=0)
    options = asked.parse_args()
    tables = ("orders", "order_items", "payments")
    with tempfile.TemporaryDirectory() as folder, running(options.server, Path(folder)) as server:
        with Shop.new(server, "shop", Path(folder) / "lake", [*tables, "customers", "reviews"]) as shop:
            if options.kills:
                from tests.integration.mysql.test_going_on import (
                    test_killed_at_any_point_nothing_is_lost_and_nothing_doubled,
                )

                test_killed_at_any_point_nothing_is_lost_and_nothing_doubled(shop, options.kills)
                print(f"{options.kills} kills: nothing lost, nothing doubled")
                return
            shop.orders(options.rows), shop.lines(options.rows), shop.run(PAY.format(prefix="p", rows=options.rows))
            measured("snapshot", shop)
            (
                shop.orders(options.rows, "x"),
                shop.lines(options.rows, "x"),
                shop.run(PAY.format(prefix="y", rows=options.rows)),
            )
            measured("binlog, inserts", shop)
            shop.run("UPDATE orders SET total = total + 1 WHERE order_id LIKE 'x%'", "UPDATE payments SET fee = 1")
            measured("binlog, updates", shop)
            for number in range(5_000):
                shop.run(f"UPDATE orders SET region = 'R{number}' WHERE order_id = 'o{number + 1}'")
            measured("binlog, single-row transactions", shop)
            for table in ("orders", "order_items"):
                held, raw = shop.held(table), shop.replayed(table)
                raw = {key: {name: row.get(name) for name in held[key]} for key, row in raw.items()}
                print(
                    f"{table}: {len(raw):,} of {len(held):,} rows, checksums {'equal' if checksum(raw) == checksum(held) else 'DIFFER'}"
                )


if __name__ == "__main__":
    main()
