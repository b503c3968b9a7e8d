from __future__ import annotations

import json
from typing import Any

import pytest

from pipeline import raw_compaction
from pipeline.raw import RawZone
from tests.integration.pipeline_service.conftest import Served

PRODUCT = {
    "product_id": "new-1",
    "name": "Kite",
    "category_id": "no-such",
    "list_price": "9.99",
    "currency_code": "USD",
}
CATEGORY = {"category_id": "kites", "name": "Kites"}


async def sent(served: Served, table: str, *rows: Any, role: str = "admin", **headers: str) -> Any:
    return await served.client.post(
        f"/api/v1/ingest/{table}", json={"rows": rows}, headers={**served.auth.bearer(role), **headers}, timeout=60
    )


async def test_ingested_rows_are_curated_by_the_next_run_and_the_ledger_ties(served: Served) -> None:
    good = PRODUCT | {"category_id": "kites", "is_active": True}
    orphan = good | {"product_id": "new-2", "category_id": "no-such"}
    assert (await sent(served, "categories", CATEGORY)).json()["accepted"] == 1
    found = await sent(served, "products", good, orphan, good | {"product_id": "new-3", "list_price": "-1"})
    assert found.status_code == 200, found.text
    body = found.json()
    assert (body["accepted"], body["unchanged"], body["rejected"]) == (2, 0, 1)
    (bad,) = body["rejected_rows"]
    assert bad["index"] == 2
    assert [reason["rule"] for reason in bad["reasons"]] == ["list_price_positive"]
    record = served.pipeline.run()
    assert record.status == "succeeded", record.failures
    one = served.pipeline.one
    assert one("SELECT name FROM curated.products WHERE product_id = 'new-1' AND _source = 'ingest'") == "Kite"
    assert one("SELECT count(*) FROM curated.products WHERE product_id IN ('new-2', 'new-3')") == 0
    assert one("SELECT count(*) FROM quarantine.products WHERE contains(_row, 'new-2')") == 1
    ledger = (await served.get("reconciliation")).json()
    assert ledger["unexplained_rows"] == 0
    again = await sent(served, "products", good)
    assert (again.json()["accepted"], again.json()["unchanged"]) == (0, 1)
    assert not [table for table, made in served.pipeline.run().tables.items() if made.changed and "curated" in table]


async def test_many_small_requests_are_few_files_after_a_run_and_the_ledger_still_ties(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(raw_compaction, "FEWEST", 3)
    rows = [{"category_id": f"kites-{number}", "name": "Kites"} for number in range(4)]
    for row in rows:
        assert (await sent(served, "categories", row)).json()["accepted"] == 1
    raw = RawZone.at(served.pipeline.var_dir / "lake" / "raw")
    assert len(raw.files("categories", "ingest")) == 4
    assert served.pipeline.run().status == "succeeded"
    assert [file.rows for file in raw.files("categories", "ingest")] == [4]
    assert served.pipeline.one("SELECT count(*) FROM curated.categories WHERE _source = 'ingest'") == 4
    assert (await served.get("reconciliation")).json()["unexplained_rows"] == 0
    assert (await sent(served, "categories", *rows)).json()["unchanged"] == 4
    assert (await sent(served, "categories", rows[0] | {"name": "Kites and more"})).json()["accepted"] == 1
    record = served.pipeline.run()
    assert record.status == "succeeded", record.failures
    assert served.pipeline.one("SELECT count(*) FROM curated.categories WHERE name = 'Kites and more'") == 1
    assert (await served.get("reconciliation")).json()["unexplained_rows"] == 0


async def test_who_is_bound_to_regions_takes_over_no_row_of_the_shops_own_source(served: Served) -> None:
    one = served.pipeline.one
    theirs = one("SELECT min(customer_id) FROM curated.customers")
    row = {"customer_id": theirs, "region": "Nowhere", "country": "US"}
    fresh = row | {"customer_id": "nobody-yet"}
    token = served.auth.token(permissions=["pipeline:run"], subject="bound", regions=["Nowhere"])
    headers = {"Authorization": f"Bearer {token}"}
    found = await served.client.post("/api/v1/ingest/customers", json={"rows": [row, fresh]}, headers=headers)
    assert found.status_code == 200, found.text
    told = {each["index"]: [reason["rule"] for reason in each["reasons"]] for each in found.json()["rejected_rows"]}
    assert told == {0: ["outside_your_regions"]}, found.text
    assert found.json()["accepted"] == 1
    refused = await served.client.post("/api/v1/ingest/categories", json={"rows": [CATEGORY]}, headers=headers)
    assert (refused.status_code, refused.json()["reason"]) == (403, "REGION_BOUND")


async def test_a_repeated_request_by_its_key_gets_the_first_answer(served: Served) -> None:
    key = {"Idempotency-Key": "one"}
    first = await sent(served, "categories", CATEGORY, **key)
    second = await sent(served, "categories", CATEGORY, **key)
    assert second.headers["idempotency-replayed"] == "true"
    assert first.json() == second.json()
    assert second.json()["accepted"] == 1
    other = await sent(served, "categories", CATEGORY | {"name": "Other"}, **key)
    assert (other.status_code, other.json()["reason"]) == (422, "IDEMPOTENCY_KEY_REUSED")


async def test_only_who_may_run_the_pipeline_may_bring_rows(served: Served) -> None:
    for role in ("analyst", "viewer", "investigator", "api_user"):
        found = await sent(served, "categories", CATEGORY, role=role)
        assert (found.status_code, found.json()["reason"]) == (403, "PERMISSION_MISSING")


async def test_what_is_no_body_of_rows_is_refused_in_words(served: Served) -> None:
    async def refused(content: bytes, table: str = "categories", kind: str = "application/json") -> tuple[int, str]:
        headers = {**served.auth.bearer("admin"), "content-type": kind}
        found = await served.client.post(f"/api/v1/ingest/{table}", content=content, headers=headers)
        return found.status_code, found.json()["reason"]

    assert await refused(b"[]") == (400, "MALFORMED_ROWS")
    assert await refused(b"") == (400, "MALFORMED_ROWS")
    assert await refused(b"{}", kind="text/plain") == (415, "UNSUPPORTED_MEDIA_TYPE")
    assert await refused(json.dumps({"rows": [{}] * 10_001}).encode()) == (400, "TOO_MANY_ROWS")
    assert await refused(json.dumps({"rows": [{}]}).encode(), "nothing") == (404, "UNKNOWN_TABLE")
    assert await refused(b"x" * (16 * 1024 * 1024 + 1)) == (413, "BODY_TOO_LARGE")


async def test_the_document_shows_the_rows_and_not_bytes(served: Served) -> None:
    document = (await served.client.get("/api/v1/openapi.json")).json()
    operation = document["paths"]["/api/v1/ingest/{table}"]["post"]
    schema = operation["requestBody"]["content"]["application/json"]["schema"]
    rows = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]["properties"]["rows"]
    assert (rows["type"], rows["maxItems"]) == ("array", 10_000)
