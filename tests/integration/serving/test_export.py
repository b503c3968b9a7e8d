"""A list of many pages as one file: the same rows as the pages, in bounded memory, and a refusal beyond the limit."""

from __future__ import annotations

import asyncio
import csv
import io
import tracemalloc
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pytest
import pytest_asyncio
import structlog

from protos.common.v1 import table_pb2
from shared.lake import Lake, Zones
from shared.principal import Principal
from shared.tables import CONTRACT
from shared.tokens import SigningKey
from shared.transcode import export as export_module
from shared.transcode.export import Export, Exports, ExportsBusy, send_export
from shared.transcode.tables import ARROW, CSV, XLSX
from tests.contract.backend import gateway, settings_for
from tests.integration.serving.doors import DOORS, QUERY, Served, problem_of, rows_of, served
from tests.unit.services.demand.conftest import rows_of as arrow_of
from tests.unit.services.demand.conftest import score_rows

SCORES = CONTRACT["demand.rfm_scores"]
LARGE = 2000
"""Rows a page of an export here, so that few rows make several."""
MANY = 5_100
TYPES = {"csv": CSV, "arrow": ARROW, "xlsx": XLSX}
PLACES = ("CA", "NY", None)


def many() -> pa.Table:
    """Return more scores than three pages of an export hold."""
    few = arrow_of(SCORES, [row | {"full_name": "Zenobia", "country": "US"} for row in score_rows()])
    data = pa.concat_tables([few] * (MANY // few.num_rows + 1)).slice(0, MANY)
    numbers = [f"c{n:06}" for n in range(MANY)]
    regions = pa.array([PLACES[n % 3] for n in range(MANY)], data.schema.field("region").type)
    data = data.set_column(data.schema.get_field_index("customer_id"), "customer_id", pa.array(numbers))
    return data.set_column(data.schema.get_field_index("region"), data.schema.field("region"), regions)


@pytest.fixture(scope="module", autouse=True)
def small_pages() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(export_module, "EXPORT_SIZE", LARGE)
        yield


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    made = Lake(Zones.under(tmp_path_factory.mktemp("export")))
    made.overwrite("demand.rfm_scores", many())
    return made


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def demand(lake: Lake, key: SigningKey) -> AsyncIterator[Served]:
    async with served(lake, key) as doors:
        yield doors


async def export(demand: Served, door: str, form: str, may: tuple[str, ...] = ("demand:read",), **asked: Any) -> Any:
    headers = {"Authorization": f"Bearer {demand.auth.token('analyst', permissions=may)}"}
    params = {"table": "rfm_scores", "export": form, **asked}
    return await demand.clients[door].get(f"/api/v1/{QUERY}", params=params, headers=headers, timeout=120)


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("form", TYPES)
async def test_a_file_holds_every_row_once_in_order_and_says_what_it_is(demand: Served, door: str, form: str) -> None:
    answer = await export(demand, door, form, order_by="-customer_id", page_size=3)
    found = [str(row["customer_id"]) for row in rows_of(answer, TYPES[form])]
    assert found == [f"c{n:06}" for n in reversed(range(MANY))]
    assert answer.headers["content-disposition"] == f'attachment; filename="query.{form}"'
    assert answer.headers["x-total-count"] == str(MANY)
    assert answer.headers["cache-control"] == "no-store"
    assert "x-next-page-token" not in answer.headers


async def test_csv_is_the_pages_put_together(demand: Served) -> None:
    whole, lines, token = (await export(demand, DOORS[1], "csv", filters="region = CA")).text, "", ""
    for _ in range(MANY):
        page = await demand.get(
            QUERY, DOORS[0], CSV, table="rfm_scores", filters="region = CA", page_size=1000, page_token=token
        )
        lines += page.text if not lines else page.text.partition("\r\n")[2]
        token = page.headers.get("x-next-page-token", "")
        if not token:
            break
    assert whole == lines


async def test_a_file_begins_with_the_page_whose_token_is_given(demand: Served) -> None:
    first = (await demand.get(QUERY, DOORS[1], table="rfm_scores", page_size=1000)).json()
    answer = await export(demand, DOORS[1], "csv", page_token=first["next_page_token"])
    found = [row["customer_id"] for row in csv.DictReader(io.StringIO(answer.text))]
    assert found == [f"c{n:06}" for n in range(1000, MANY)]


@pytest.mark.parametrize("form", TYPES)
async def test_what_a_caller_may_not_see_is_in_no_file(demand: Served, form: str) -> None:
    for regions, names in ((("CA",), False), (("CA",), True), ((), False), (("nowhere",), True)):
        may = ("demand:read", *(("pii:read",) if names else ()))
        token = demand.auth.token("analyst", subject=f"{regions} {names}", permissions=may, regions=regions)
        for door in DOORS:
            answer = await demand.clients[door].get(
                f"/api/v1/{QUERY}",
                params={"table": "rfm_scores", "export": form},
                headers={"Authorization": f"Bearer {token}"},
                timeout=60,
            )
            rows = rows_of(answer, TYPES[form])
            assert len(rows) == (MANY // 3 if regions == ("CA",) else 0), (door, regions)
            assert {row["region"] for row in rows} <= set(regions)
            assert all(("full_name" in row) == names for row in rows)
    nobody = await export(demand, DOORS[1], form, may=())
    assert problem_of(nobody)["reason"] == "PERMISSION_MISSING"


async def test_a_list_that_is_too_long_is_refused_with_what_to_do(demand: Served) -> None:
    services = {"auth": demand.auth.address, "demand": demand.address}
    async with gateway(settings_for(demand.auth, services=services, export_rows=MANY - 1)) as (client, _):
        for form, media_type in TYPES.items():
            asked = {"table": "rfm_scores", "export": form}
            answer = await client.get(f"/api/v1/{QUERY}", params=asked, headers=demand.auth.bearer("analyst"))
            problem = problem_of(answer)
            assert (problem["status"], problem["reason"]) == (400, "EXPORT_TOO_LARGE")
            assert f"{MANY:,}" in problem["detail"]
            assert "page_token" in problem["detail"]
            asked |= {"filters": "region = CA"}
            answer = await client.get(f"/api/v1/{QUERY}", params=asked, headers=demand.auth.bearer("analyst"))
            assert len(rows_of(answer, media_type)) == MANY // 3


async def test_an_unknown_form_and_what_the_service_refuses_are_typed(demand: Served) -> None:
    for wrong in ("pdf", "json", "", ["csv", "csv"]):
        problem = problem_of(await export(demand, DOORS[1], wrong))  # type: ignore[arg-type]
        assert (problem["status"], problem["errors"][0]["field"]) == (400, "export")
    assert problem_of(await export(demand, DOORS[1], "csv", filters="nothing = 1"))["reason"] == "UNKNOWN_COLUMN"
    assert problem_of(await export(demand, DOORS[1], "xlsx", page_token="x"))["reason"] == "INVALID_PAGE_TOKEN"


async def test_head_tells_the_headers_alone(demand: Served) -> None:
    headers = demand.auth.bearer("analyst")
    asked = {"table": "rfm_scores", "export": "xlsx"}
    answer = await demand.clients[DOORS[1]].head(f"/api/v1/{QUERY}", params=asked, headers=headers)
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["content-type"] == XLSX


# ---- without a service -------------------------------------------------------------------------------------------


class Lines:
    """A made-up list: pages of 1,000 rows, as many as are wanted, and what was asked for."""

    def __init__(self, rows: int) -> None:
        self._rows, self.asked = rows, list[int]()

    async def __call__(self, token: str, size: int) -> table_pb2.Table:
        begin = int(token or 0)
        count = min(size, self._rows - begin)
        self.asked.append(size)
        sink = pa.BufferOutputStream()
        data = pa.table({"n": pc.cast(pa.array(range(begin, begin + count)), pa.string()), "text": ["x" * 90] * count})
        with pa.ipc.new_stream(sink, data.schema) as stream:
            stream.write_table(data)
        left = begin + count < self._rows
        following = str(begin + count) if left else ""
        return table_pb2.Table(
            arrow_stream=bytes(sink.getvalue()), row_count=count, total_size=self._rows, next_page_token=following
        )


def of(ask: Any, form: str = CSV, who: str = "anna") -> Export:
    return Export("a.B.C", form, "rows", Principal(subject=who), "", ask)


class Reader:
    """Who takes an answer, and how much of it came."""

    def __init__(self) -> None:
        self.status, self.bytes, self.whole, self.parts = 0, 0, False, 0

    async def __call__(self, message: Any) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
        else:
            self.bytes += len(message["body"])
            self.parts += 1
            self.whole = not message.get("more_body", False)


SCOPE = {"method": "GET"}


@pytest.mark.parametrize("form", [CSV, ARROW])
async def test_memory_does_not_grow_with_the_length_of_the_file(form: str) -> None:
    async def most_for(rows: int) -> int:
        reader = Reader()
        tracemalloc.start()
        pool = pa.total_allocated_bytes()
        try:
            await send_export(Exports(), of(Lines(rows), form), SCOPE, reader)  # type: ignore[arg-type]
            assert reader.whole
            assert reader.bytes > rows * 90
            return tracemalloc.get_traced_memory()[1] + pa.total_allocated_bytes() - pool
        finally:
            tracemalloc.stop()

    few, much = await most_for(3 * LARGE), await most_for(30 * LARGE)
    assert much < 1.3 * few


async def test_pages_grow_to_what_is_allowed_and_no_more() -> None:
    lines = Lines(4 * LARGE)
    await send_export(Exports(), of(lines), SCOPE, Reader())  # type: ignore[arg-type]
    assert lines.asked[0] == 1000
    assert set(lines.asked[1:]) == {LARGE}


async def test_a_file_that_breaks_off_has_no_end_and_one_that_never_began_is_refused() -> None:
    lines = Lines(10_000)

    async def breaks(token: str, size: int) -> table_pb2.Table:
        if token:
            raise ExportsBusy("made up")
        return await lines(token, size)

    reader = Reader()
    with structlog.testing.capture_logs() as logs:
        await send_export(Exports(), of(breaks), SCOPE, reader)  # type: ignore[arg-type]
    assert (reader.status, reader.whole) == (200, False)
    assert [entry["event"] for entry in logs] == ["an export was cut off"]
    reader = Reader()
    with pytest.raises(ExportsBusy):
        await send_export(Exports(), of(breaks, XLSX), SCOPE, reader)  # type: ignore[arg-type]
    assert reader.status == 0


async def test_pages_that_never_end_do() -> None:
    async def endless(token: str, size: int) -> table_pb2.Table:
        return table_pb2.Table(arrow_stream=(await Lines(1)("", 1)).arrow_stream, next_page_token=token + "x")

    for ask, reason in ((endless, "SERVICE_UNAVAILABLE"), (_liar, "EXPORT_TOO_LARGE")):
        reader = Reader()
        with structlog.testing.capture_logs() as logs:
            await send_export(Exports(most_rows=5000), of(ask), SCOPE, reader)  # type: ignore[arg-type]
        assert not reader.whole
        assert logs[-1]["reason"] == reason


async def _liar(token: str, size: int) -> table_pb2.Table:
    page = await Lines(1000)("", 1000)
    page.next_page_token, page.total_size = "more", 1
    return page


@asynccontextmanager
async def held(exports: Exports, *whose: str) -> AsyncIterator[asyncio.Event]:
    """Hold exports of these callers under way; the event lets them end."""
    go = asyncio.Event()

    async def waits(token: str, size: int) -> table_pb2.Table:
        await go.wait()
        return await Lines(1)(token, size)

    running = [asyncio.create_task(send_export(exports, of(waits, who=who), SCOPE, Reader())) for who in whose]  # type: ignore[arg-type]
    await asyncio.sleep(0)
    try:
        yield go
    finally:
        go.set()
        await asyncio.gather(*running)


async def test_a_caller_has_two_at_once_and_all_have_four() -> None:
    exports = Exports()
    async with held(exports, "anna", "anna"):
        with pytest.raises(ExportsBusy, match="yours"):
            await send_export(exports, of(Lines(1)), SCOPE, Reader())  # type: ignore[arg-type]
        await send_export(exports, of(Lines(1), who="ben"), SCOPE, Reader())  # type: ignore[arg-type]
        async with held(exports, "ben", "carl"):
            with pytest.raises(ExportsBusy, match="this process"):
                await send_export(exports, of(Lines(1), who="dora"), SCOPE, Reader())  # type: ignore[arg-type]
    await send_export(exports, of(Lines(1)), SCOPE, Reader())  # type: ignore[arg-type]
    assert not exports._under_way


async def test_the_time_of_a_file_is_bounded() -> None:
    async def never(token: str, size: int) -> table_pb2.Table:
        await asyncio.Event().wait()
        raise AssertionError

    with pytest.raises(Exception, match="not made within"):
        await send_export(Exports(seconds=0.01), of(never), SCOPE, Reader())  # type: ignore[arg-type]
