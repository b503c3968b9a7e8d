"""The data pipeline's page over real runs, quality, ledger and lineage."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.stack import Person, Stack
from tests.e2e.test_segments import DESKTOP, MOBILE, choose_theme, log_in, shoot

pytestmark = pytest.mark.e2e


def test_an_admin_follows_the_data_from_the_source_to_the_segments(page: Page, stack: Stack, admin: Person) -> None:
    page.goto("/pipeline")
    log_in(page, admin)
    token = stack.call("/auth/login", body={"email": admin.email, "password": admin.password})["access_token"]

    runs = page.get_by_role("table", name="Runs")
    expect(runs.get_by_text("Succeeded").first).to_be_visible()
    quality = stack.call("/pipeline/quality", token=token)["items"]
    expect(page.get_by_role("table", name="Quality").get_by_role("rowheader")).to_have_count(len(quality))

    ledger = page.get_by_role("table", name="Reconciliation")
    answer = stack.call("/pipeline/reconciliation?totals=true&page_size=1000", token=token)
    assert answer["unexplained_rows"] == 0
    expect(ledger.get_by_text("Unexplained")).to_have_count(0)
    expect(ledger.get_by_text("4,596,027.06 USD").first).to_be_visible()

    columns = page.get_by_role("table", name="Columns of demand.customer_segments")
    expect(columns.get_by_text("demand.rfm_scores.monetary").first).to_be_visible()
    shoot(page, "pipeline-light")
    page.get_by_role("button", name="curated.orders").click()
    expect(page.get_by_role("table", name="Columns of curated.orders")).to_be_visible()
    choose_theme(page, "Dark")
    shoot(page, "pipeline-dark")
    page.set_viewport_size(MOBILE)
    shoot(page, "pipeline-mobile-dark")
    page.set_viewport_size(DESKTOP)


def test_a_run_started_in_the_browser_is_followed_to_its_end(page: Page, admin: Person) -> None:
    page.goto("/pipeline")
    log_in(page, admin)
    runs = page.get_by_role("table", name="Runs")
    expect(runs.get_by_role("row")).not_to_have_count(0)
    before = runs.get_by_role("row").count()
    page.get_by_role("button", name="Run now").click()
    expect(runs.get_by_text("Running")).to_be_visible(timeout=60_000)
    expect(runs.get_by_text("Running")).to_have_count(0, timeout=180_000)
    expect(runs.get_by_role("row")).to_have_count(before + 1)
    expect(runs.get_by_role("row").nth(1)).to_contain_text("Nothing new")
