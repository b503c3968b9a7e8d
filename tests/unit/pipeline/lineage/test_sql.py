"""Columns followed through the SQL of a source."""

from __future__ import annotations

import pytest

from pipeline.lineage.sql import Columns, Relations, SqlNotFollowed


def leaf(table: str, *columns: str) -> Columns:
    return {name: frozenset({(table, name)}) for name in columns}


@pytest.fixture
def shop() -> Relations:
    return Relations({"o": leaf("o", "id", "who", "cents"), "p": leaf("p", "id", "price")})


@pytest.mark.parametrize(
    ("sql", "column", "made_of"),
    [
        ("SELECT cents / 100 AS money FROM o", "money", "o.cents"),
        ("SELECT o.id, price FROM o JOIN p USING (id)", "price", "p.price"),
        ("SELECT id FROM o FULL JOIN p USING (id)", "id", "o.id p.id"),
        ("SELECT id FROM o ANTI JOIN p USING (id)", "id", "o.id"),
        ("SELECT x.* EXCLUDE (who) FROM o x", "cents", "o.cents"),
        ("FROM o QUALIFY row_number() OVER (PARTITION BY id) = 1", "cents", "o.cents"),
        ("SELECT sum(cents) FILTER (who = 'a') AS n FROM o", "n", "o.cents o.who"),
        ("SELECT count(*) AS n FROM o", "n", "o."),
        ("SELECT max(cents) OVER w AS top FROM o WINDOW w AS (PARTITION BY who)", "top", "o.cents o.who"),
        ("SELECT id, (SELECT median(price) FROM p) AS mid FROM o", "mid", "p.price"),
        ("SELECT id FROM o WHERE who IN (SELECT id FROM p)", "id", "o.id"),
        ("SELECT cents AS c, c + 1 AS d FROM o", "d", "o.cents"),
        ("SELECT id, 'x' AS k FROM o UNION ALL SELECT price, id FROM p", "k", "p.id"),
        ("SELECT id, cents FROM o UNION ALL SELECT NULL, NULL FROM p", "cents", "o.cents"),
        ("SELECT id AS a, 1 AS b FROM o UNION ALL BY NAME SELECT price AS b FROM p", "b", "p.price"),
        ("WITH q AS (SELECT cents AS c FROM o), r AS (SELECT c + 1 AS d FROM q) SELECT d FROM r", "d", "o.cents"),
        ("SELECT n FROM (SELECT who AS n FROM o)", "n", "o.who"),
        ("SELECT a FROM o, (VALUES ('x')) AS v(a)", "a", ""),
    ],
)
def test_a_column_is_made_of_what_its_expression_reads(shop: Relations, sql: str, column: str, made_of: str) -> None:
    assert shop.columns(sql)[column] == {tuple(each.split(".")) for each in made_of.split()}


def test_what_one_statement_makes_another_can_read(shop: Relations) -> None:
    shop.run(["CREATE TEMP TABLE a AS SELECT cents AS c FROM o", "CREATE VIEW b AS SELECT c * 2 AS d FROM a"])
    assert shop.columns("SELECT d FROM b")["d"] == {("o", "cents")}


@pytest.mark.parametrize(
    "sql", ["SELECT x FROM nowhere", "SELECT colour FROM o", "SELECT id FROM o, p", "DROP TABLE o", "SELECT ((("]
)
def test_what_cannot_be_followed_is_refused_and_not_left_out(shop: Relations, sql: str) -> None:
    with pytest.raises(SqlNotFollowed):
        shop.columns(sql)
