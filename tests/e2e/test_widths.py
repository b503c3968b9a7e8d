"""No page is wider than its window, so that nobody scrolls sideways to read it or to reach their account."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.stack import ROOT, Person, Watch
from tests.e2e.test_market_intel import HUB, VIEWS, settled
from tests.e2e.test_segments import DESKTOP, HTTP_ERROR, log_in

pytestmark = pytest.mark.e2e

WIDTHS = (1280, 1200, 1024, 390)
ROUTES = ROOT / "web" / "src" / "app" / "router.tsx"
GUESTS = (
    "/login",
    "/register",
    "/forgot-password",
    "/resend-verification",
    "/reset-password",
    "/verify-email",
    "/none",
)
MEMBERS = (
    "/",
    "/demand/segments",
    *(HUB + path for path in VIEWS),
    f"{HUB}/correlations?by=category",
    "/account",
    "/account/security",
    "/account/sessions",
    "/account/api-keys",
    "/pipeline",
    "/alerts",
    "/operations",
    "/admin/users",
    "/admin/systems",
    "/admin/audit-log",
    "/authorize",
)


def test_no_page_of_a_guest_is_wider_than_its_window(page: Page) -> None:
    for path in GUESTS:
        page.goto(path)
        fits(page)


def test_no_page_is_wider_than_its_window_for_whoever_may_open_all(page: Page, admin: Person, watch: Watch) -> None:
    watch.expected = [HTTP_ERROR]  # nobody asks to be let in at /authorize
    page.goto("/login")
    log_in(page, admin)
    expect(page).to_have_url(re.compile(r"/$"))
    for path in MEMBERS:
        page.goto(path)
        fits(page)


def test_every_page_there_is_is_looked_at() -> None:
    there = {path.strip("/") for path in re.findall(r"path: '([^'*]+)'", ROUTES.read_text())}
    assert len(there) > 20
    assert {path for path in there if not any(each.endswith(f"/{path}") for each in (*GUESTS, *MEMBERS))} == set()


def fits(page: Page) -> None:
    """Fail where the page, once it is there, is wider than one of the windows."""
    expect(page.get_by_role("heading", level=1).first).to_be_visible()
    settled(page)
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 800})
        expect(page.locator("html"), f"{page.url} in {width} px").to_have_js_property("scrollWidth", width)
    page.set_viewport_size(DESKTOP)
