"""A person's way through the product, in a real browser over the real stack."""

from __future__ import annotations

import csv
import io
import json
import re
import secrets
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Locator, Page, Route, ViewportSize, expect

from tests.e2e.stack import AXE, OUTPUT, Person, Stack, Watch

pytestmark = pytest.mark.e2e

HTTP_ERROR = "Failed to load resource"
MOBILE = ViewportSize(width=390, height=844)
DESKTOP = ViewportSize(width=1360, height=900)


@pytest.fixture
def person() -> Person:
    return Person("Grace Hopper", f"grace.{secrets.token_hex(6)}@example.com", f"violet-{secrets.token_urlsafe(12)}")


def test_a_newcomer_registers_reads_the_segments_exports_them_and_leaves(
    page: Page, stack: Stack, person: Person, tmp_path: Path
) -> None:
    page.goto("/demand/segments")
    expect(page).to_have_url(re.compile(r"/login\?next="))
    shoot(page, "login")
    register(page, person)
    log_in(page, person)
    expect(page).to_have_url(re.compile(r"/demand/segments$"))

    token = stack.call("/auth/login", body={"email": person.email, "password": person.password})["access_token"]
    for method, label in (("kmeans", "K-Means tiers"), ("rfm", "RFM segments")):
        page.get_by_role("button", name=label).click()
        expect(page).to_have_url(re.compile(f"method={method}"))
        answer = stack.call(f"/demand-insights/segments?method={method}", token=token)
        shows_the_answer(page, answer)
        shoot(page, f"segments-{method}-light")
        exported = export_csv(page, tmp_path / f"{method}.csv")
        assert exported == stack.call(f"/demand-insights/segments?method={method}", token=token, accept="text/csv")
        assert_same_rows(exported, answer["items"])

    tells_more_under_the_pointer(page)
    sorts_by_customers(page)
    choose_theme(page, "Dark")
    shoot(page, "segments-rfm-dark")
    page.set_viewport_size(MOBILE)
    shoot(page, "segments-mobile-dark")
    page.set_viewport_size(DESKTOP)

    page.reload()
    shows_the_answer(page, answer)
    assert theme(page) == "dark"

    shows_the_systems(page, stack, token)
    log_out(page)
    page.goto("/demand/segments")
    expect(page.get_by_role("heading", name="Log in")).to_be_visible()


def test_refusals_are_shown_where_they_belong(page: Page, watch: Watch, person: Person) -> None:
    watch.expected = [HTTP_ERROR]
    page.goto("/register")
    fill_registration(page, Person(person.full_name, person.email, "short"))
    expect(page.get_by_role("button", name="Create account")).to_be_disabled()
    page.get_by_label("Password", exact=False).first.fill("password1234")
    page.get_by_role("button", name="Create account").click()
    expect(page.locator("[aria-invalid=true]")).to_have_attribute("name", "password")
    shoot(page, "register-refused")

    page.goto("/login")
    fill_login(page, Person("", person.email, "not the password"))
    expect(page.get_by_role("alert")).to_be_visible()
    shoot(page, "login-refused")
    page.goto("/nowhere")
    expect(page.get_by_role("heading", name="There is no such page")).to_be_visible()
    shoot(page, "not-found")


def test_logging_out_in_one_tab_ends_the_other_and_resuming_never_spends_a_token_twice(
    context: BrowserContext, page: Page, person: Person
) -> None:
    page.goto("/register")
    register(page, person)
    log_in(page, person)
    expect(page.get_by_role("heading", name="Welcome back")).to_be_visible()
    tabs = [context.new_page() for _ in range(3)]
    for tab in tabs:
        tab.goto("/", wait_until="commit")
    for tab in tabs:
        expect(tab.get_by_role("heading", name="Welcome back")).to_be_visible()
    for _ in range(5):  # each leaves the page while its refresh is under way
        with page.expect_request("**/auth/refresh"):
            page.reload(wait_until="commit")
    expect(page.get_by_role("heading", name="Welcome back")).to_be_visible()
    log_out(page)
    for tab in tabs:
        expect(tab.get_by_role("heading", name="Log in")).to_be_visible()


@pytest.mark.parametrize(
    ("name", "problem", "words"),
    [
        (
            "empty",
            {
                "status": 400,
                "title": "Failed precondition",
                "reason": "LAKE_TABLE_MISSING",
                "detail": "demand.customer_segments: no such table in the lake; run `python -m pipeline run`",
            },
            ["No segments yet", "python -m pipeline run"],
        ),
        (
            "error",
            {
                "status": 500,
                "title": "Internal error",
                "reason": "INTERNAL",
                "detail": "Something failed on our side.",
                "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
            },
            ["Internal error", "4bf92f3577b34da6a3ce929d0e0e4736", "Try again"],
        ),
    ],
)
def test_a_page_without_numbers_says_why(
    page: Page, watch: Watch, person: Person, name: str, problem: dict[str, Any], words: list[str]
) -> None:
    watch.expected = [HTTP_ERROR]
    page.goto("/register")
    register(page, person)
    log_in(page, person)
    page.route("**/api/v1/demand-insights/segments*", lambda route: refuse(route, problem))
    page.goto("/demand/segments")
    for word in words:
        expect(page.get_by_text(word).first).to_be_visible()
    shoot(page, name)


def test_a_day_before_the_first_version_is_refused_and_the_newest_is_a_click_away(
    page: Page, watch: Watch, person: Person
) -> None:
    watch.expected = [HTTP_ERROR]
    page.goto("/register?next=/demand/segments")
    register(page, person)
    log_in(page, person)
    page.get_by_label("As of").fill("2020-01-31")
    expect(page).to_have_url(re.compile("as_of=2020-01-31"))
    expect(page.get_by_role("alert")).to_contain_text("Trace id")
    shoot(page, "too-early")
    page.get_by_role("button", name="Show the newest").last.click()
    expect(page).not_to_have_url(re.compile("as_of"))
    expect(detail_rows(page)).to_have_count(11)


@pytest.mark.parametrize("viewer", ["docs", "redoc"])
def test_the_api_reference_shows_the_endpoints_and_loads_nothing_from_elsewhere(
    page: Page, watch: Watch, stack: Stack, viewer: str
) -> None:
    watch.expected = ["favicon.ico"]
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(f"/api/v1/{viewer}")
    expect(page.get_by_text("Demand Insights Engine").first).to_be_visible()
    page.wait_for_load_state("networkidle")
    assert [url for url in asked if not url.startswith((stack.url, "data:", "blob:"))] == []
    page.screenshot(path=OUTPUT / f"api-{viewer}.png")


def refuse(route: Route, problem: dict[str, Any]) -> None:
    route.fulfill(status=problem["status"], content_type="application/problem+json", body=json.dumps(problem))


def register(page: Page, person: Person) -> None:
    if "/register" not in page.url:
        page.get_by_role("link", name="Create one").click()
    fill_registration(page, person)
    shoot(page, "register")
    page.get_by_role("button", name="Create account").click()
    expect(page.get_by_text("Your account is ready")).to_be_visible()


def fill_registration(page: Page, person: Person) -> None:
    page.get_by_label("Full name").fill(person.full_name)
    page.get_by_label("E-mail").fill(person.email)
    page.locator("input[name=password]").fill(person.password)


def log_in(page: Page, person: Person) -> None:
    fill_login(page, person)
    expect(page.get_by_label(f"Account of {person.full_name}")).to_be_visible()


def fill_login(page: Page, person: Person) -> None:
    page.get_by_label("E-mail").fill(person.email)
    page.locator("input[name=password]").fill(person.password)
    page.get_by_role("button", name="Log in").click()


def log_out(page: Page) -> None:
    page.get_by_label("Account of").click()
    page.get_by_role("menuitem", name="Log out").click()
    expect(page.get_by_role("heading", name="Log in")).to_be_visible()


def shows_the_answer(page: Page, answer: dict[str, Any]) -> None:
    """Every number of the answer stands in the page, formatted."""
    report = page.get_by_role("region", name="Segments", exact=True)
    expect(report).to_have_attribute("aria-busy", "false")
    items = sorted(answer["items"], key=lambda item: -item["revenue"])
    expect(detail_rows(page)).to_have_count(len(items))
    shown = [[cell.inner_text().strip() for cell in row.locator("th, td").all()] for row in detail_rows(page).all()]
    assert shown == [formatted(item) for item in items]
    tiles = report.locator("dl").first
    expect(tiles).to_contain_text(f"{sum(item['customers'] for item in items):,}")
    expect(tiles).to_contain_text(f"${sum(Decimal(str(item['revenue'])) for item in items):,.2f}")
    expect(report.locator("canvas")).to_be_visible()
    lineage = page.get_by_label("Where these numbers come from")
    expect(lineage).to_contain_text(f"demand.customer_segments, version {answer['lineage']['version']}")
    if "silhouette" in answer:
        expect(report).to_contain_text(f"Suggested k\n{answer['silhouette_k']}", use_inner_text=True)
        expect(report).to_contain_text(rounded(answer["silhouette"], 2))


def formatted(item: dict[str, Any]) -> list[str]:
    return [
        item["segment"][:1].upper() + item["segment"][1:],
        f"{item['customers']:,}",
        f"${rounded(item['revenue'], 2)}",
        f"{rounded(item['revenue_share_pct'], 1)}%",
        f"{rounded(item['recency_days_mean'], 1)} days",
        rounded(item["frequency_mean"], 1),
        f"${rounded(item['monetary_mean'], 2)}",
        item["action"],
    ]


def rounded(number: float, places: int) -> str:
    """As Intl.NumberFormat does it: halves away from zero, on the shortest decimal form."""
    return f"{Decimal(repr(number)).quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP):,}"


def detail_rows(page: Page) -> Locator:
    return page.get_by_role("table", name="Segments in detail").locator("tbody tr")


def sorts_by_customers(page: Page) -> None:
    page.get_by_role("button", name="Customers", exact=True).click()
    heading = page.get_by_role("columnheader", name="Customers", exact=True)
    expect(heading).to_have_attribute("aria-sort", "descending")
    customers = [int(cell.replace(",", "")) for cell in page.locator("td[data-column=customers]").all_inner_texts()]
    assert customers == sorted(customers, reverse=True)


def tells_more_under_the_pointer(page: Page) -> None:
    page.locator("canvas").hover(position={"x": 400, "y": 20})
    expect(page.get_by_text(re.compile(r"^[\d,]+ customers · [\d.]+% of all$"))).to_be_visible()


def export_csv(page: Page, target: Path) -> str:
    page.get_by_role("button", name="Export").click()
    with page.expect_download() as download:
        page.get_by_role("menuitem", name="CSV").click()
    assert download.value.suggested_filename.endswith(".csv")
    download.value.save_as(target)
    return target.read_bytes().decode()


def assert_same_rows(exported: str, items: list[dict[str, Any]]) -> None:
    rows = list(csv.DictReader(io.StringIO(exported)))
    assert [row["segment"] for row in rows] == [item["segment"] for item in items]
    for row, item in zip(rows, items, strict=True):
        assert row["action"] == item["action"]
        for column in ("customers", "revenue", "revenue_share_pct", "recency_days_mean", "frequency_mean"):
            assert float(row[column]) == pytest.approx(item[column], abs=1e-9), column


def shows_the_systems(page: Page, stack: Stack, token: str) -> None:
    page.get_by_role("link", name="Overview", exact=True).click()
    cards = page.get_by_role("list", name="Systems")
    for system in stack.call("/systems", token=token)["items"]:
        card = cards.get_by_role("listitem").filter(has_text=system["title"])
        expect(card).to_be_visible()
        if system["status"] == "not_running":
            expect(card).to_contain_text("No service of this system runs")
            expect(card.get_by_role("link")).to_have_count(0)
    expect(cards.get_by_role("link", name="Demand Insights Engine")).to_be_visible()
    shoot(page, "home-dark")
    choose_theme(page, "Light")
    shoot(page, "home-light")
    page.set_viewport_size(MOBILE)
    shoot(page, "home-mobile-light")
    page.set_viewport_size(DESKTOP)


def choose_theme(page: Page, name: str) -> None:
    page.get_by_label("Theme:").click()
    page.get_by_role("menuitemradio", name=name).click()
    expect(page.get_by_role("menu")).to_have_count(0)


def theme(page: Page) -> str | None:
    return page.locator("html").get_attribute("data-color-scheme")


def shoot(page: Page, name: str) -> None:
    """Leave a picture for people to look at; what they cannot see, axe looks at."""
    page.mouse.move(0, 0)
    page.evaluate("scrollTo(0, 0)")
    page.wait_for_load_state("networkidle")
    page.screenshot(path=OUTPUT / f"{name}.png", full_page=True, animations="disabled")
    page.evaluate(AXE.read_text())
    violations = page.evaluate("axe.run().then((result) => result.violations)")
    assert [(broken["id"], [node["html"] for node in broken["nodes"]]) for broken in violations] == [], name
