"""Health and statistics of a real MariaDB server."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

from pipeline.settings import PipelineSettings
from pipeline.tools.health import checks
from pipeline.tools.statistics import statistics
from tests.integration.mysql.server import running


def test_a_database_is_counted_and_its_binlog_looked_at(tmp_path: Path) -> None:
    folder = tmp_path / "server"
    folder.mkdir()
    settings = PipelineSettings(var_dir=tmp_path / "var", engine_memory="200MB")
    with running("mariadb", folder) as server:
        with closing(server.root()) as root, root.cursor() as cursor:
            cursor.execute("CREATE DATABASE shop")
            cursor.execute("CREATE TABLE shop.orders (id INT PRIMARY KEY)")
            cursor.execute("INSERT INTO shop.orders VALUES (1), (2)")
            root.commit()
        url = server.url("shop")
        (orders,) = [each for each in statistics(settings, url) if each.place == "mysql"]
        found = {check.name: check for check in checks(settings, url)}
        with closing(server.root()) as root, root.cursor() as cursor:
            cursor.execute("SET GLOBAL binlog_row_metadata = 'NO_LOG'")
        nameless = {check.name: check for check in checks(settings, url)}
        with closing(server.root()) as root, root.cursor() as cursor:
            cursor.execute("SET GLOBAL binlog_format = 'STATEMENT'")
        changed = {check.name: check for check in checks(settings, url)}
    assert (orders.table, orders.rows) == ("shop.orders", 2)
    assert found["mysql"].status == found["mysql binlog"].status == "ok"
    assert (nameless["mysql binlog"].status, nameless["mysql binlog"].detail) == ("warn", "binlog_row_metadata=NO_LOG")
    assert changed["mysql binlog"].status == "warn"
    assert "binlog_format=ROW" in changed["mysql binlog"].remedy
