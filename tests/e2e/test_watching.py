"""What people watch in the app, live: long work and alerts, in a real browser over the real stack."""

from __future__ import annotations

import re
import secrets

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.stack import Person, Stack
from tests.e2e.test_account import pictures
from tests.e2e.test_administration import choose, row_of, token_of
from tests.e2e.test_segments import log_in
from tests.waiting import eventually

pytestmark = pytest.mark.e2e


def begin_run(stack: Stack, token: str) -> str:
    """Return the name of a run just begun, once no other goes on."""

    def idle() -> bool:
        runs = stack.call("/pipeline/runs?page_size=5", token=token)["items"]
        return all(run["status"] != "running" for run in runs)

    eventually(idle, seconds=180)
    return str(stack.call("/pipeline/runs", token=token, body={})["operation"]["name"])


def test_a_run_is_seen_as_an_operation_live_and_cancelled(page: Page, stack: Stack, admin: Person) -> None:
    page.goto("/operations")
    with page.expect_websocket(lambda socket: "/api/v1/realtime" in socket.url) as opened:
        log_in(page, admin)
    assert "ticket=rt_" in opened.value.url
    expect(page.get_by_role("heading", name="Operations", level=1)).to_be_visible()
    begun = begin_run(stack, token_of(stack, admin))
    row = row_of(page, begun.split("/")[1])
    expect(row.get_by_role("progressbar")).to_be_visible()
    pictures(page, "operations")
    page.get_by_role("button", name=f"Cancel {begun}").click()
    page.get_by_role("button", name="Cancel it").click()
    expect(row.get_by_role("progressbar")).to_have_count(0, timeout=120_000)
    expect(row).to_contain_text(re.compile("Ended|Done"))


def test_a_rule_is_made_tested_fires_at_the_bell_and_is_deleted(page: Page, admin: Person) -> None:
    name = f"Customers are many {secrets.token_hex(3)}"
    page.goto("/alerts")
    log_in(page, admin)
    page.get_by_role("button", name="New rule").click()
    form = page.get_by_role("dialog", name="New alert rule")
    form.get_by_label("Name").fill(name)
    form.get_by_label("Figure").click()
    page.get_by_role("option", name="Customers who bought").click()
    form.get_by_label("When it").click()
    page.get_by_role("option", name="is above", exact=True).click()
    form.get_by_label("Threshold").fill("10")
    form.get_by_role("button", name="E-mail").click()
    expect(form.get_by_role("status")).to_contain_text(
        "Tell me in this app and by e-mail when “Demand Insights Engine: Customers who bought” is above 10"
    )
    form.get_by_role("button", name="Make the rule").click()
    row = row_of(page, name)
    expect(row).to_contain_text("Firing", timeout=120_000)
    expect(page.get_by_label(re.compile(r"^Alerts: \d+ unread"))).to_be_visible()
    pictures(page, "alerts")

    page.get_by_label(re.compile("^Alerts:")).click()
    expect(page.get_by_role("dialog", name="Alerts").get_by_text(name)).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_label("Alerts: no unread alerts")).to_be_visible()

    choose(page, name, "Send a test notice")
    page.get_by_role("button", name="Send the test").click()
    expect(page.get_by_role("dialog").get_by_text("In this app", exact=True)).to_be_visible()
    page.get_by_role("button", name="Close").click()
    choose(page, name, "What happened")
    events = page.get_by_role("table", name="Events")
    expect(events.get_by_text("Fired")).to_be_visible()
    expect(events.get_by_text("Test", exact=True)).to_be_visible()
    page.get_by_role("button", name="Close").click()
    choose(page, name, "Delete")
    page.get_by_role("button", name="Delete").click()
    expect(row).to_have_count(0)
