"""Links from mails, opened in a real browser: their tokens go nowhere but into the body of one request."""

from __future__ import annotations

import json
import re
import secrets
from email import message_from_bytes, policy
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page, Request, expect

from tests.e2e.stack import Person, Stack, Watch
from tests.e2e.test_account import pictures
from tests.e2e.test_segments import HTTP_ERROR, log_in
from tests.waiting import eventually

pytestmark = pytest.mark.e2e

# The browser tells nothing of bodies that come as Request objects.
NOTES_BODIES = """
window.posted = []
const plain = window.fetch
window.fetch = async (request) => {
  const body = await request.clone().text()
  if (body) window.posted.push([new URL(request.url).pathname, body])
  return plain(request)
}
"""


@pytest.fixture
def page(context: BrowserContext) -> Page:
    context.add_init_script(NOTES_BODIES)
    return context.new_page()


@pytest.fixture
def outbox(stack: Stack) -> Path:
    if stack.var_dir is None:
        pytest.skip("the outbox of a stack started elsewhere is found by E2E_VAR_DIR")
    return stack.var_dir / "outbox"


@pytest.fixture
def person(stack: Stack, outbox: Path) -> Person:
    """Somebody with an account whose address is not confirmed."""
    made = Person("Mary Jackson", f"mary.{secrets.token_hex(6)}@example.com", f"tunnel-{secrets.token_urlsafe(12)}")
    stack.call("/auth/register", body={"email": made.email, "password": made.password, "full_name": made.full_name})
    return made


def test_an_address_is_confirmed_by_whoever_says_so(page: Page, watch: Watch, person: Person, outbox: Path) -> None:
    watch.expected = [HTTP_ERROR]
    link = link_to(outbox, person.email, "verify-email")
    requests = recorded(page)
    page.goto(link)
    button = page.get_by_role("button", name="Confirm the address")
    expect(button).to_be_visible()
    stands_nowhere(page, link, requests)
    pictures(page, "verify-email")
    button.click()
    expect(page.get_by_role("heading", name="Your e-mail address is confirmed")).to_be_visible()
    pictures(page, "verify-email-done")
    assert posted(page) == [["/api/v1/auth/verify-email", json.dumps({"token": token_of(link)}, separators=(",", ":"))]]

    page.goto("/login?next=/account")
    log_in(page, person)
    expect(page.get_by_text("Confirmed", exact=True)).to_be_visible()
    page.goto(link)
    page.get_by_role("button", name="Confirm the address").click()
    expect(page.get_by_role("heading", name="This link does not work")).to_be_visible()
    pictures(page, "link-over")


def test_a_forgotten_password_is_chosen_anew(
    page: Page, stack: Stack, watch: Watch, person: Person, outbox: Path
) -> None:
    watch.expected = [HTTP_ERROR]
    page.goto("/login")
    page.get_by_role("link", name="Forgot your password?").click()
    pictures(page, "forgot-password")
    page.get_by_label("E-mail").fill(person.email)
    page.get_by_role("button", name="Send the link").click()
    expect(page.get_by_role("alert")).to_contain_text("a link is on its way")
    pictures(page, "forgot-password-sent")

    link = link_to(outbox, person.email, "reset-password")
    requests = recorded(page)
    page.goto(link)
    field = page.locator("input[name=new_password]")
    expect(field).to_be_visible()
    stands_nowhere(page, link, requests)
    field.fill("jackson-jackson-12")
    page.get_by_role("button", name="Set the password").click()
    expect(page.get_by_text("must not hold the name")).to_be_visible()
    pictures(page, "reset-password-weak")
    chosen = f"supersonic-{secrets.token_urlsafe(12)}"
    field.fill(chosen)
    page.get_by_role("button", name="Set the password").click()
    expect(page.get_by_role("heading", name="Your password is set")).to_be_visible()
    pictures(page, "reset-password-done")
    page.get_by_role("link", name="Log in").click()
    log_in(page, Person(person.full_name, person.email, chosen))


def test_another_address_counts_once_its_link_was_opened(page: Page, person: Person, outbox: Path) -> None:
    page.goto("/login?next=/account")
    log_in(page, person)
    other = f"m.{person.email}"
    page.get_by_role("button", name="Change the address").click()
    page.get_by_label("New e-mail address").fill(other)
    page.locator("input[name=current_password]").fill(person.password)
    pictures(page, "account-profile-address")
    page.get_by_role("button", name="Send the link").click()
    expect(page.get_by_role("alert")).to_contain_text(other)
    expect(page.get_by_text(person.email, exact=True).first).to_be_visible()
    page.goto(link_to(outbox, other, "verify-email"))
    page.get_by_role("button", name="Confirm the address").click()
    page.get_by_role("link", name="Go to the overview").click()
    page.goto("/account")
    expect(page.get_by_text(other, exact=True).first).to_be_visible()


def test_a_second_link_in_the_same_tab_replaces_the_first(page: Page, watch: Watch) -> None:
    watch.expected = [HTTP_ERROR]
    page.goto("/reset-password#token=first")
    expect(page.locator("input[name=new_password]")).to_be_visible()
    page.goto("/reset-password#token=second")
    expect(page).to_have_url(re.compile(r"/reset-password$"))
    page.locator("input[name=new_password]").fill(f"supersonic-{secrets.token_urlsafe(12)}")
    page.get_by_role("button", name="Set the password").click()
    expect(page.get_by_role("heading", name="This link does not work")).to_be_visible()
    assert [json.loads(body)["token"] for _, body in posted(page)] == ["second"]


def link_to(outbox: Path, address: str, page: str) -> str:
    """Return the link to a page that was sent to an address, waiting for the mail."""
    found: list[str] = []

    def look() -> bool:
        found[:] = [link for mail in sorted(outbox.glob("*.eml")) for link in links_in(mail, address, page)]
        return bool(found)

    eventually(look)
    return found[-1]


def links_in(file: Path, address: str, page: str) -> list[str]:
    mail = message_from_bytes(file.read_bytes(), policy=policy.default)
    body = mail.get_body(("plain",))
    text = body.get_content() if body and mail["To"] == address else ""
    return re.findall(rf"http\S+/{page}#token=\S+", text)


def token_of(link: str) -> str:
    return link.partition("#token=")[2]


def recorded(page: Page) -> list[Request]:
    """Return the list that every request of the page is added to."""
    requests: list[Request] = []

    def note(request: Request) -> None:  # Playwright takes no method of a built-in type
        requests.append(request)

    page.on("request", note)
    return requests


def posted(page: Page) -> list[list[str]]:
    """Return path and body of what the page has posted since it was loaded, but for the refreshes of its session."""
    sent: list[list[str]] = page.evaluate("window.posted")
    return [one for one in sent if one[0] != "/api/v1/auth/refresh"]


def stands_nowhere(page: Page, link: str, requests: list[Request]) -> None:
    """The token is neither in the address nor in the history, storage or requests of the page."""
    token = token_of(link)
    expect(page).to_have_url(link.partition("#")[0])
    kept = page.evaluate("JSON.stringify([history.state, {...localStorage}, {...sessionStorage}, document.cookie])")
    assert token not in kept
    assert token not in page.content()
    page.wait_for_load_state("networkidle")
    sent = [f"{one.url} {one.all_headers()}" for one in requests]
    assert [line for line in sent if token in line] == []
    assert posted(page) == []
