"""Swagger logs in by OAuth in a real browser: authorization code with PKCE, and the page where people agree."""

from __future__ import annotations

import json
import secrets

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.stack import Stack, Watch

pytestmark = pytest.mark.e2e

PASSWORD = f"violet-{secrets.token_urlsafe(12)}"


@pytest.fixture
def email(stack: Stack) -> str:
    made = f"oauth.{secrets.token_hex(6)}@example.com"
    stack.call("/auth/register", body={"email": made, "password": PASSWORD, "full_name": "Grace Hopper"})
    return made


def log_in(page: Page, email: str) -> None:
    page.get_by_label("E-mail").fill(email)
    page.get_by_label("Password", exact=False).first.fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()


def ask(page: Page) -> Page:
    """Return the window in which Swagger asks to be let in, with two scopes ticked."""
    page.goto("/api/v1/docs")
    page.get_by_role("button", name="Authorize").first.click()
    flow = page.locator(".auth-container", has_text="authorizationCode")
    for scope in ("openid", "demand:read"):
        flow.locator(f"label[for='{scope}-authorizationCode-checkbox-oauth2'] .item").click()
    with page.expect_popup() as opened:
        flow.get_by_role("button", name="Apply given OAuth2 credentials").click()
    return opened.value


def test_swagger_is_let_in_and_calls_as_who_agreed(page: Page, stack: Stack, email: str) -> None:
    popup = ask(page)
    log_in(popup, email)
    expect(popup.get_by_role("heading", name="Let Swagger UI act for you?")).to_be_visible()
    listed = popup.get_by_role("list", name="What it could do")
    expect(listed.get_by_role("listitem")).to_have_count(2)
    with page.expect_response(lambda response: response.url.endswith("/api/v1/auth/token")) as answered:
        with popup.expect_event("close"):
            popup.get_by_role("button", name="Allow").click()
    sent = answered.value.request
    assert "code_verifier=" in (sent.post_data or "")
    tokens = answered.value.json()
    assert tokens["scope"] == "openid demand:read"
    seen = stack.call("/auth/userinfo", token=tokens["access_token"])
    assert list(seen) == ["sub"]
    expect(page.get_by_role("button", name="Remove authorization").first).to_be_visible()


def test_who_refuses_gives_swagger_nothing(page: Page, email: str, watch: Watch) -> None:
    popup = ask(page)
    log_in(popup, email)
    with popup.expect_event("close"):
        popup.get_by_role("button", name="Refuse").click()
    expect(page.locator(".auth-container .errors").first).to_contain_text("access_denied")


def test_a_request_that_is_not_right_offers_nothing(page: Page, email: str, watch: Watch) -> None:
    watch.expected = ["Failed to load resource"]
    page.goto("/authorize?client_id=swagger&response_type=code&redirect_uri=https%3A%2F%2Fevil.example%2F")
    log_in(page, email)
    expect(page.get_by_role("alert")).to_contain_text("redirect_uri is not")
    expect(page.get_by_role("button", name="Allow")).to_have_count(0)
    assert "evil.example" not in json.dumps(page.evaluate("Array.from(document.links).map(link => link.href)"))
