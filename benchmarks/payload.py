"""How many bytes the rows of a table take on the wire, in each form and coding, against row JSON as it is.

    python -m benchmarks.payload

One page of 1,000 rows of made-up scores (`demand.rfm_scores`: ids, days, money, scores) through a gateway and a demand
service in this process; the body's bytes are counted as they come, before the client decodes them.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import random
import tempfile
from decimal import Decimal
from typing import Any

import httpx
import pyarrow as pa

from shared.lake import Lake, Zones
from shared.tables import CONTRACT
from shared.transcode.tables import FORMATS
from tests.contract.backend import new_key
from tests.integration.serving.doors import GATEWAY, QUERY, served

ROWS = 1_000
CODINGS = ("identity", "gzip", "br", "zstd")
TABLE = CONTRACT["demand.rfm_scores"]
SEGMENTS = ("Champions", "Loyal customers", "At risk", "Hibernating", "New customers")


def scores(seed: int = 7) -> pa.Table:
    """Return rows such as a run makes: no two alike, values spread as they are."""
    draw = random.Random(seed)

    def row(number: int) -> dict[str, Any]:
        recency = min(int(draw.expovariate(1 / 40)), 364)
        marks = [draw.randint(1, 5) for _ in range(3)]
        return {
            "customer_id": str(draw.randint(10**5, 10**6 - 1) * 1000 + number),
            "country": "US",
            "region": draw.choice(("CA", "NY", "TX", "WA", "FL")),
            "last_order_on": dt.date(2017, 12, 30) - dt.timedelta(days=recency),
            "recency_days": recency,
            "frequency": 1 + int(draw.expovariate(1 / 30)),
            "monetary": Decimal(int(draw.lognormvariate(11, 1))) / 100,
            **dict(zip(("r_score", "f_score", "m_score"), marks, strict=True)),
            "rfm_score": "".join(map(str, marks)),
            "segment": draw.choice(SEGMENTS),
            "tier": draw.choice(("bronze", "silver", "gold", "platinum")),
            "data_through_on": dt.date(2017, 12, 30),
            "model_name": "demand.customer_tiers",
            "model_version": "1.0.0",
            "computed_at": dt.datetime(2018, 1, 2, 3, 4, 5, 678901, tzinfo=dt.UTC),
        }

    return pa.Table.from_pylist([row(number) for number in range(ROWS)], TABLE.arrow_schema())


async def length(client: httpx.AsyncClient, token: str, form: str, coding: str) -> int:
    """Return the bytes of a page's body on the wire."""
    headers = {"Authorization": f"Bearer {token}", "Accept-Encoding": coding}
    params: dict[str, Any] = {"table": TABLE.name, "page_size": ROWS, "format": form}
    async with client.stream("GET", f"/api/v1/{QUERY}", params=params, headers=headers) as answer:
        answer.raise_for_status()
        return sum([len(piece) async for piece in answer.aiter_raw()])


async def main() -> None:
    """Print the table."""
    with tempfile.TemporaryDirectory() as folder:
        lake = Lake(Zones.under(folder))
        lake.overwrite(TABLE.full_name, scores())
        async with served(lake, new_key()) as doors:
            token = doors.auth.token("analyst")
            client = doors.clients[GATEWAY]
            whole = await length(client, token, "json", "identity")
            print(f"{ROWS} rows, row JSON uncompressed: {whole:,} bytes\n\n| form | " + " | ".join(CODINGS) + " |")
            print("|---|" + "---:|" * len(CODINGS))
            for form in FORMATS:
                sizes = [await length(client, token, form, coding) for coding in CODINGS]
                cells = (f"{size:,} (−{100 * (1 - size / whole):.1f} %)" for size in sizes)
                print(f"| {form} | " + " | ".join(cells) + " |")


if __name__ == "__main__":
    asyncio.run(main())
