"""Market intelligence as people use it, in a real browser over the real stack: every view with its numbers."""

from __future__ import annotations

import csv
import io
import math
import re
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.e2e.stack import Person, Stack
from tests.e2e.test_account import pictures
from tests.e2e.test_administration import token_of
from tests.e2e.test_segments import DESKTOP, MOBILE, log_in, rounded

pytestmark = pytest.mark.e2e

HUB = "/market-intelligence"
LONG_MS = 120_000
VIEWS = {
    "": "Market intelligence",
    "/forecasts": "Forecasts",
    "/ask": "Ask for a forecast",
    "/models": "Model league",
    "/versions": "Model versions",
    "/drivers": "Why it moved",
    "/revenue": "Revenue",
    "/correlations": "What moves together",
    "/prices": "Prices",
    "/products": "Products",
}


@pytest.fixture
def token(stack: Stack, admin: Person) -> str:
    return token_of(stack, admin)


@pytest.fixture
def hub(page: Page, admin: Person) -> Page:
    """The overview, seen by somebody who may do everything."""
    page.goto(HUB)
    log_in(page, admin)
    expect(page.get_by_role("heading", name="Market intelligence", level=1)).to_be_visible()
    return page


@pytest.mark.parametrize(("path", "title"), VIEWS.items(), ids=[path.strip("/") or "overview" for path in VIEWS])
def test_a_view_holds_in_both_schemes_wide_and_narrow(hub: Page, path: str, title: str) -> None:
    hub.goto(HUB + path)
    expect(hub.get_by_role("heading", name=title, level=1)).to_be_visible()
    settled(hub)
    expect(hub.get_by_role("alert").filter(has_text="Trace id")).to_have_count(0)
    pictures(hub, f"market-intel-{path.strip('/') or 'overview'}")
    hub.set_viewport_size(MOBILE)
    assert hub.evaluate("document.documentElement.scrollWidth") <= MOBILE["width"]
    hub.set_viewport_size(DESKTOP)


def test_the_hub_is_reached_from_the_menu_and_its_views_from_each_other(hub: Page) -> None:
    hub.get_by_role("link", name="Overview", exact=True).first.click()
    hub.get_by_role("navigation", name="Pages").get_by_role("link", name="Market intelligence").click()
    for path, title in VIEWS.items():
        hub.get_by_role("navigation", name="Market intelligence").locator(f'a[href="{HUB}{path}"]').click()
        expect(hub.get_by_role("heading", name=title, level=1)).to_be_visible()


def test_the_drivers_are_those_of_the_api_and_add_up_to_the_cent(hub: Page, stack: Stack, token: str) -> None:
    answer = stack.call(f"/market-intelligence/drivers{of_one_currency(stack, token)}", token=token)
    hub.goto(f"{HUB}/drivers{of_one_currency(stack, token)}")
    settled(hub)
    change = cents(answer["total_after"]) - cents(answer["total_before"])
    assert sum(cents(effect["contribution"]) for effect in answer["effects"]) == change
    numbers = opened_numbers(hub, "What drove the change")
    assert [row[0] for row in numbers] == ["Before", *(effect["title"] for effect in answer["effects"]), "After"]
    assert sum((money(row[1]) for row in numbers[1:-1]), Decimal()) == change
    assert money(numbers[-1][1]) - money(numbers[0][1]) == change
    segments = rows_of(hub.get_by_role("table", name="Segments that explain the change"))
    assert sum((money(row[3]) for row in segments), Decimal()) == change


def test_revenue_by_two_dimensions_is_that_of_the_api_and_is_exported(
    hub: Page, stack: Stack, token: str, tmp_path: Path
) -> None:
    hub.goto(f"{HUB}/revenue?grain=all&and=region")
    settled(hub)
    query = "/market-intelligence/revenue?grain=all&by=channel&by=region&page_size=1000"
    items = stack.call(query, token=token)["items"]
    shown = rows_of(hub.get_by_role("table", name="Revenue", exact=True))
    assert len(shown) == min(len(items), 25)
    for row, item in zip(shown, items, strict=False):
        assert {item["channel"], item["region"]} <= set(row)
        assert any(cell.endswith(rounded(item["revenue"], 2)) for cell in row)
    exported = export_csv(hub.get_by_role("group", name="How it is cut"), tmp_path / "revenue.csv")
    assert exported == stack.call(query, token=token, accept="text/csv")
    hub.reload()
    expect(hub.get_by_role("combobox", name="And by")).to_have_text("Region")


def test_a_forecast_of_a_metric_is_answered_at_once_with_its_reason(hub: Page, tmp_path: Path) -> None:
    hub.goto(f"{HUB}/ask?model=theta&horizon=14")
    hub.get_by_role("button", name="Forecast", exact=True).click()
    result = hub.get_by_role("region", name="Result")
    expect(result.get_by_role("heading", name="Forecast by: Theta")).to_be_visible(timeout=LONG_MS)
    expect(result.get_by_role("figure", name="Revenue").locator("canvas")).to_be_visible()
    numbers = opened_numbers(hub, "Revenue")
    assert len(numbers) == 14
    for _, *parts, together in opened_numbers(hub, "What it is made up of"):
        assert abs(sum(map(money, parts)) - money(together)) <= len(parts) * Decimal("0.01")
    rows = list(csv.DictReader(io.StringIO(export_csv(result, tmp_path / "forecast.csv"))))
    assert len(rows) == 14
    assert all(
        float(row["lower_95"]) <= float(row["lower_80"]) <= float(row["upper_80"]) <= float(row["upper_95"])
        for row in rows
    )
    pictures(hub, "market-intel-forecast")


def test_a_series_from_a_file_is_forecast_and_compared(hub: Page, tmp_path: Path) -> None:
    file = tmp_path / "mine.csv"
    file.write_text(weekly_series(26))
    for path, button in (
        ("/ask?frequency=day&horizon=7", "Forecast"),
        ("/models?frequency=day&horizon=7&effort=cheap", "Compare the models"),
    ):
        hub.goto(f"{HUB}{path}&source=series")
        hub.get_by_label("CSV file").set_input_files(file)
        expect(hub.get_by_text("mine.csv: 182 observations of one series")).to_be_visible()
        hub.get_by_role("button", name=button, exact=True).click()
        expect(hub.get_by_role("region", name="Result")).to_be_visible(timeout=LONG_MS)
        settled(hub)
    league = hub.get_by_role("table", name="Model league")
    expect(league.get_by_text("Baseline")).to_be_visible()
    errors = [float(row[1]) for row in rows_of(league) if row[1] != "–"]
    assert errors == sorted(errors)
    pictures(hub, "market-intel-league")


def test_a_series_that_can_not_be_read_is_refused_by_line(hub: Page) -> None:
    hub.goto(f"{HUB}/ask?source=series")
    hub.get_by_label("Observations as CSV").fill("ds,y\n2026-01-01,1\n2026-13-45x,2")
    hub.get_by_label("Observations as CSV").fill("ds,y\n2026-01-01,1\ntomorrow,2")
    expect(hub.get_by_text("Line 3: “tomorrow” is no day. Write it as YYYY-MM-DD.")).to_be_visible()
    expect(hub.get_by_role("button", name="Forecast", exact=True)).to_be_disabled()


def test_long_work_shows_its_progress_is_found_again_and_is_cancelled(hub: Page) -> None:
    hub.goto(f"{HUB}/ask?effort=full")
    hub.get_by_role("button", name="Forecast", exact=True).click()
    expect(hub.get_by_role("progressbar", name="Progress")).to_be_visible(timeout=LONG_MS)
    expect(hub).to_have_url(re.compile(r"operation=market_intel%2F"))
    hub.reload()
    expect(hub.get_by_role("progressbar", name="Progress")).to_be_visible(timeout=LONG_MS)
    pictures(hub, "market-intel-progress")
    hub.get_by_role("button", name="Cancel").click()
    expect(hub.get_by_text("The forecast was ended")).to_be_visible(timeout=LONG_MS)


def test_what_moves_together_is_a_map_of_every_pair_of_the_api(hub: Page, stack: Stack, token: str) -> None:
    pairs = stack.call("/market-intelligence/revenue/correlations?by=department&page_size=1000", token=token)["items"]
    hub.goto(f"{HUB}/correlations")
    settled(hub)
    heat = hub.get_by_role("table", name="Correlations", exact=True)
    columns = [name.strip() for name in heat.get_by_role("columnheader").all_inner_texts()][1:]
    rows = {row[0]: dict(zip(columns, row[1:], strict=True)) for row in rows_of(heat)}
    for pair in pairs:
        one, other = pair["value_a_name"], pair["value_b_name"]
        assert rows[one][other] == rows[other][one]
        assert math.isclose(float(rows[one][other].split()[0]), pair["spearman"], abs_tol=0.0051)
        assert ("chance" in rows[one][other]) is not pair["is_significant"]


def test_the_versions_behind_the_forecasts_are_listed_with_what_they_learnt_from(
    hub: Page, stack: Stack, token: str
) -> None:
    versions = stack.call("/market-intelligence/models", token=token)["items"]
    hub.goto(f"{HUB}/versions")
    settled(hub)
    table = hub.get_by_role("table", name="Model versions")
    assert [row[1] for row in rows_of(table)] == [version["version"] for version in versions]
    table.get_by_label("Actions for", exact=False).first.click()
    hub.get_by_role("menuitem", name="Details").click()
    details = hub.get_by_role("dialog")
    expect(details).to_contain_text(versions[0]["name"])
    lake = versions[0]["lake_versions"]
    expect(details).to_contain_text(f"curated.orders, version {lake['curated.orders']}")


def test_products_are_sorted_by_the_server_and_shared_by_their_address(hub: Page, stack: Stack, token: str) -> None:
    hub.goto(f"{HUB}/products")
    table = hub.get_by_role("table", name="Products")
    table.get_by_role("button", name="Units", exact=True).click()
    expect(hub).to_have_url(re.compile("sort=-units"))
    expect(table.get_by_role("columnheader", name="Units", exact=True)).to_have_attribute("aria-sort", "descending")
    best = stack.call("/market-intelligence/products?sort=-units&page_size=25", token=token)["items"]
    hub.goto(f"{HUB}/products?sort=-units")
    settled(hub)
    assert [row[0].split("\n")[-1] for row in rows_of(table)] == [item["product_id"] for item in best]


def settled(page: Page) -> None:
    """Return once nothing on the page is on its way any more."""
    page.wait_for_load_state("networkidle")
    expect(page.get_by_role("status", name=re.compile("^(Loading|Asking|Making)"))).to_have_count(0, timeout=LONG_MS)


def rows_of(table: Locator) -> list[list[str]]:
    """Return the cells of a table's body, once it is there."""
    expect(table).to_be_visible()
    rows = table.locator("tbody tr").all()
    return [[cell.inner_text().strip() for cell in row.locator("th, td").all()] for row in rows]


def opened_numbers(page: Page, title: str) -> list[list[str]]:
    """Return the numbers behind a chart, by the button that shows them."""
    page.get_by_role("figure", name=title).get_by_role("button", name="Show the numbers").click()
    return rows_of(page.get_by_role("table", name=f"{title}, numbers"))


def export_csv(toolbar: Locator, target: Path) -> str:
    toolbar.get_by_role("button", name="Export").click()
    page = toolbar.page
    with page.expect_download() as download:
        page.get_by_role("menuitem", name="CSV").click()
    download.value.save_as(target)
    return target.read_bytes().decode()


def of_one_currency(stack: Stack, token: str) -> str:
    """Return the query that keeps to one currency where the rows have several, which drivers ask for."""
    currencies = stack.call("/market-intelligence/revenue?grain=all", token=token)["currencies"]
    return f"?currency={currencies[0]}" if len(currencies) > 1 else ""


def weekly_series(weeks: int) -> str:
    """Return days that go up and down within the week, as CSV."""
    days = [date(2025, 1, 6) + timedelta(days=number) for number in range(7 * weeks)]
    values = (f"{day},{100 + 20 * math.sin(day.weekday()) + day.toordinal() % 5}" for day in days)
    return "\n".join(["ds,y", *values])


def money(shown: str) -> Decimal:
    """Return an amount as it stands in a cell."""
    return Decimal(re.sub(r"[^0-9.-]", "", shown.replace("−", "-")))


def cents(amount: Any) -> Decimal:
    return Decimal(str(amount)).quantize(Decimal("0.01"))
