"""What is wrong is said with its remedy, and never with a password."""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

import pymysql
import pytest

from pipeline.mysql import cli
from pipeline.mysql.address import Address, MySqlUrlInvalid
from pipeline.mysql.connection import MySqlNotGranted, MySqlRefused, MySqlUnreachable, NoSuchDatabase
from pipeline.mysql.coordinates import BinlogUnusable
from pipeline.mysql.extraction import Extraction, NoPrimaryKey, NoSuchTable, Plan
from pipeline.mysql.schema import statements, tables
from pipeline.raw import RawZone
from pipeline.settings import PipelineSettings
from shared.errors import PlatformError
from shared.migrate import drift
from shared.tokenise import Tokeniser
from tests.integration.mysql.server import BINLOG, Server, running
from tests.integration.mysql.shop import Shop
from tests.waiting import free_port

SECRET = "s3cret-kepler"


def failing(shop: Shop, url: str) -> PlatformError:
    with pytest.raises(PlatformError) as failed:
        keys = Tokeniser.load(shop.folder / "keys.json")
        Extraction(shop.zone, Address.parse(url), Plan("mysql-shop"), keys, lambda: False).once()
    assert SECRET not in failed.value.detail
    return failed.value


@pytest.mark.parametrize(
    "url",
    [
        f"postgres://u:{SECRET}@h/db",
        f"mysql://u:{SECRET}@h",
        f"mysql://u:{SECRET}@h:x/db",
        "shop",
        f"mysql://u:{SECRET}@h/d?x=1",
    ],
)
def test_a_url_that_is_none_is_refused_without_showing_it(url: str) -> None:
    with pytest.raises(MySqlUrlInvalid) as refused:
        Address.parse(url)
    assert SECRET not in refused.value.detail
    assert SECRET not in repr(Address.parse(f"mysql://u:{SECRET}@h/d"))


def test_nobody_at_the_address_a_wrong_password_and_no_such_database_are_told_apart(shop: Shop) -> None:
    port = shop.server.port
    assert isinstance(failing(shop, f"mysql://root:{SECRET}@127.0.0.1:{free_port()}/shop"), MySqlUnreachable)
    assert isinstance(failing(shop, f"mysql://root:{SECRET}@127.0.0.1:{port}/shop"), MySqlRefused)
    assert isinstance(failing(shop, f"mysql://root@127.0.0.1:{port}/nothing_here"), NoSuchDatabase)


def test_a_user_without_the_replication_grant_is_told_the_statement(shop: Shop) -> None:
    shop.orders(1)
    user = f"r{shop.database[-8:]}"
    shop.run(f"CREATE USER {user} IDENTIFIED BY '{SECRET}'", f"GRANT SELECT ON {shop.database}.* TO {user}")
    url = f"mysql://{user}:{SECRET}@127.0.0.1:{shop.server.port}/{shop.database}"
    error = failing(shop, url)
    assert isinstance(error, MySqlNotGranted)
    assert "GRANT SELECT, LOCK TABLES, REPLICATION SLAVE, REPLICATION CLIENT ON *.* TO" in error.detail
    shop.run(f"GRANT SELECT, LOCK TABLES, REPLICATION SLAVE, REPLICATION CLIENT ON *.* TO {user}")
    keys = Tokeniser.load(shop.folder / "keys.json")
    first = Extraction(shop.zone, Address.parse(url), Plan("mysql-shop"), keys, lambda: False).once()
    shop.orders(2, "x")
    second = Extraction(shop.zone, Address.parse(url), Plan("mysql-shop"), keys, lambda: False).once()
    assert (first.snapshot_rows, second.change_rows) == (1, 2)


@pytest.mark.parametrize(
    ("options", "named"),
    [
        (("--skip-log-bin",), "log_bin"),
        ((*BINLOG, "--binlog-format=STATEMENT"), "binlog_format"),
        ((*BINLOG, "--binlog-row-image=MINIMAL"), "binlog_row_image"),
        ((*BINLOG, "--binlog-row-metadata=MINIMAL"), "binlog_row_metadata"),
    ],
)
def test_a_binlog_that_lacks_what_is_needed_is_refused_by_the_options_name(
    kind: str, tmp_path_factory: pytest.TempPathFactory, tmp_path: Path, options: tuple[str, ...], named: str
) -> None:
    with (
        running(kind, tmp_path_factory.mktemp("server"), *options) as server,
        Shop.new(server, "shop", tmp_path, ["orders"]) as shop,
    ):
        error = failing(shop, server.url("shop"))
        assert isinstance(error, BinlogUnusable)
        assert f"--{named.replace('_', '-')}" in error.detail


def test_unknown_tables_and_tables_without_a_key_are_named(shop: Shop) -> None:
    with pytest.raises(NoSuchTable, match="nonsense"):
        shop.extract(tables=("nonsense",))
    with pytest.raises(NoSuchTable, match="suppliers"):
        shop.extract(tables=("suppliers",))
    shop.run("ALTER TABLE orders DROP PRIMARY KEY")
    with pytest.raises(NoPrimaryKey, match="orders"):
        shop.extract()


def asked(*arguments: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    cli.add(parser.add_subparsers(dest="command"))
    return parser.parse_args(arguments)


def test_the_command_extracts_and_its_output_holds_no_password(
    shop: Shop, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.orders(3)
    user = f"u{shop.database[-8:]}"
    shop.run(f"CREATE USER {user} IDENTIFIED BY '{SECRET}'", f"GRANT ALL ON *.* TO {user}")
    monkeypatch.setenv("MYSQL_PASSWORD", SECRET)
    settings = PipelineSettings(var_dir=shop.folder / "var")
    assert cli.execute(asked("extract", shop.server.url(shop.database, user), "--once"), settings) == 0
    told = capsys.readouterr().out
    assert told.startswith(f"mysql-{shop.database}: 3 rows read, 0 changes in 1 batches; at shop-bin.")
    assert SECRET not in told
    assert len(RawZone.at(shop.folder / "var/lake/raw").files("orders")) == 1


async def test_the_schema_is_made_once_and_says_nothing_else_is_to_change(server: Server) -> None:
    with server.root() as root, root.cursor() as cursor:
        cursor.execute("CREATE DATABASE migrated CHARACTER SET utf8mb4")
    address = Address.parse(server.url("migrated"))
    assert "CREATE TABLE payments" in statements(address)
    with pytest.raises(pymysql.err.ProgrammingError), server.root("migrated") as connection:
        connection.cursor().execute("SELECT 1 FROM payments")
    made = [sys.executable, "-c", f"from pipeline.mysql.schema import create; create({server.url('migrated')!r})"]
    for _ in range(2):
        subprocess.run(made, check=True, capture_output=True)  # noqa: ASYNC221
    assert await drift(address.sqlalchemy_url("mysql+asyncmy"), tables()) == []
    assert "CREATE TABLE payments" not in statements(address)
