"""What people do with their own account, in a real browser over the real stack."""

from __future__ import annotations

import secrets
from pathlib import Path
from urllib.error import HTTPError

import pyotp
import pytest
from playwright.sync_api import Locator, Page, expect

from tests.e2e.stack import Person, Stack, Watch
from tests.e2e.test_segments import DESKTOP, HTTP_ERROR, MOBILE, fill_login, log_in, log_out, shoot

pytestmark = pytest.mark.e2e


@pytest.fixture
def person(stack: Stack) -> Person:
    """Somebody with an account."""
    made = Person("Katherine Johnson", f"kat.{secrets.token_hex(6)}@example.com", f"orbit-{secrets.token_urlsafe(12)}")
    body = {"email": made.email, "password": made.password, "full_name": made.full_name}
    stack.call("/auth/register", body=body)
    return made


@pytest.fixture
def member(page: Page, person: Person) -> Page:
    """A page of that person, logged in."""
    page.goto("/login")
    log_in(page, person)
    return page


def test_somebody_changes_name_and_password(member: Page, stack: Stack, watch: Watch, person: Person) -> None:
    watch.expected = [HTTP_ERROR]
    elsewhere = log_in_elsewhere(stack, person)
    open_from_menu(member, person, "Profile")
    expect(member.get_by_text(person.email, exact=True).first).to_be_visible()
    pictures(member, "account-profile")
    member.get_by_label("Full name").fill("Katherine G. Johnson")
    member.get_by_role("button", name="Save the name").click()
    expect(member.get_by_label("account of Katherine G. Johnson")).to_be_visible()

    member.get_by_role("navigation", name="Account").get_by_role("link", name="Security").click()
    chosen = f"comet-{secrets.token_urlsafe(12)}"
    change_password(member, "not the password", chosen)
    expect(member.get_by_text("This is not your present password.")).to_be_visible()
    change_password(member, person.password, "password123456")
    expect(member.locator("[aria-invalid=true]")).to_have_attribute("name", "new_password")
    pictures(member, "account-security")
    change_password(member, person.password, chosen)
    expect(member.get_by_role("alert")).to_contain_text("1 other session ended.")
    assert status_of(stack, "/auth/me", elsewhere) == 401
    member.reload()
    expect(member.get_by_role("heading", name="Security")).to_be_visible()


def test_sessions_are_listed_and_ended(member: Page, stack: Stack, person: Person) -> None:
    others = [log_in_elsewhere(stack, person) for _ in range(3)]
    open_from_menu(member, person, "Sessions")
    listed = member.get_by_role("list", name="Sessions").get_by_role("listitem")
    expect(listed).to_have_count(4)
    expect(listed.first).to_contain_text("This session")
    expect(listed.first).to_contain_text("Chrome on Linux")
    pictures(member, "account-sessions")
    listed.nth(1).get_by_role("button", name="End the session of").click()
    member.get_by_role("alertdialog").get_by_role("button", name="End it").click()
    expect(listed).to_have_count(3)
    assert sorted(status_of(stack, "/auth/me", token) for token in others) == [200, 200, 401]
    member.get_by_role("button", name="End all others").click()
    pictures(member, "account-sessions-end")
    member.get_by_role("button", name="End them").click()
    expect(listed).to_have_count(1)
    assert {status_of(stack, "/auth/me", token) for token in others} == {401}
    listed.first.get_by_role("button", name="Log out").click()
    expect(member.get_by_role("heading", name="Log in")).to_be_visible()


def test_two_factor_login_from_the_first_code_to_turning_it_off(
    member: Page, watch: Watch, person: Person, tmp_path: Path
) -> None:
    watch.expected = [HTTP_ERROR]
    open_from_menu(member, person, "Password and two-factor")
    member.get_by_role("button", name="Set up").click()
    dialog = member.get_by_role("dialog")
    type_password(dialog, "not the password")
    dialog.get_by_role("button", name="Go on").click()
    expect(dialog.get_by_text("This is not your present password.")).to_be_visible()
    type_password(dialog, person.password)
    dialog.get_by_role("button", name="Go on").click()
    picture = dialog.get_by_role("img", name="QR code")
    expect(picture).to_have_js_property("complete", True)
    assert picture.evaluate("image => image.naturalWidth") > 100
    app = pyotp.TOTP(dialog.get_by_label("Secret", exact=True).inner_text().replace(" ", ""))
    pictures(member, "account-mfa-app")
    refused = []
    member.on("response", lambda answer: refused.append(answer.url) if answer.url.endswith("/mfa/verify") else None)
    dialog.get_by_label("Code that the app shows now").fill("not a code")
    dialog.get_by_role("button", name="Turn on").click()
    expect(dialog.get_by_role("alert")).to_contain_text("The code is wrong")
    assert len(refused) == 1  # a wrong code is sent once, not again after a refresh
    dialog.get_by_label("Code that the app shows now").fill(app.now())
    dialog.get_by_role("button", name="Turn on").click()
    codes = kept_codes(member, dialog, tmp_path)
    expect(member.get_by_role("button", name="Turn off")).to_be_visible()

    log_out(member)
    fill_login(member, person)
    member.locator("input[name=code]").fill(codes[0])
    member.get_by_role("button", name="Log in").click()
    open_from_menu(member, person, "Password and two-factor")
    member.get_by_role("button", name="Turn off").click()
    pictures(member, "account-mfa-off")
    type_password(dialog, person.password)
    dialog.get_by_label("Code of the app").fill(codes[0])
    dialog.get_by_role("button", name="Turn off").click()
    expect(dialog.get_by_role("alert")).to_contain_text("was used before")
    dialog.get_by_label("Code of the app").fill(codes[1])
    dialog.get_by_role("button", name="Turn off").click()
    expect(member.get_by_role("button", name="Set up")).to_be_visible()


def test_an_api_key_is_made_used_rotated_and_revoked(member: Page, stack: Stack, person: Person) -> None:
    open_from_menu(member, person, "API keys")
    expect(member.get_by_text("You have no keys yet.")).to_be_visible()
    pictures(member, "account-keys-none")
    member.get_by_role("button", name="Make a key").click()
    dialog = member.get_by_role("dialog")
    expect(dialog.get_by_role("button", name="Make the key")).to_be_disabled()
    dialog.get_by_label("What it is for").fill("nightly export")
    dialog.get_by_label("demand:read").check()
    pictures(member, "account-keys-make")
    dialog.get_by_role("button", name="Make the key").click()
    first = shown_once(member, "account-keys-secret")
    assert status_of(stack, "/demand-insights/segments", first) == 200
    assert status_of(stack, "/auth/me", first) == 200

    keys = member.get_by_role("list", name="API keys").get_by_role("listitem")
    expect(keys).to_have_count(1)
    expect(keys.first).to_contain_text(first[:11])
    assert first not in member.content()
    member.get_by_role("button", name="Rotate nightly export").click()
    expect(dialog).to_contain_text("The old key holds until")
    pictures(member, "account-keys-rotate")
    dialog.get_by_role("button", name="Rotate").click()
    second = shown_once(member, "account-keys-rotated")
    expect(keys).to_have_count(2)
    expect(keys.filter(has_text="Has a successor")).to_have_count(1)
    assert {status_of(stack, "/demand-insights/segments", key) for key in (first, second)} == {200}
    pictures(member, "account-keys")
    keys.filter(has_text=second[:11]).get_by_role("button", name="Revoke").click()
    pictures(member, "account-keys-revoke")
    member.get_by_role("button", name="Revoke the key").click()
    expect(keys).to_have_count(1)
    assert status_of(stack, "/demand-insights/segments", second) == 401


def kept_codes(page: Page, dialog: Locator, folder: Path) -> list[str]:
    """Return the recovery codes as the page shows, downloads and prints them; then say that they are kept."""
    listed = dialog.get_by_role("list", name="Recovery codes").get_by_role("listitem")
    expect(listed).to_have_count(10)
    codes = listed.all_inner_texts()
    assert len(set(codes)) == 10
    pictures(page, "account-mfa-codes")
    page.keyboard.press("Escape")
    with page.expect_download() as download:
        dialog.get_by_role("button", name="Download").click()
    download.value.save_as(folder / "codes.txt")
    assert (folder / "codes.txt").read_text().split("\n")[-11:-1] == codes
    page.emulate_media(media="print")
    printed = page.evaluate(
        "Array.from(document.querySelectorAll('body *')).filter(e => e.checkVisibility("
        "{checkVisibilityCSS: true}) && e.childElementCount === 0).map(e => e.innerText)"
    )
    assert printed == codes
    page.emulate_media(media="screen")
    dialog.get_by_label("I have stored it").check()
    dialog.get_by_role("button", name="Done").click()
    return codes


def shown_once(page: Page, name: str) -> str:
    """Return the key that the page shows, and say that it is kept."""
    key = page.get_by_role("textbox", name="key").inner_text()
    pictures(page, name)
    page.get_by_label("I have stored it").check()
    page.get_by_role("button", name="Done").click()
    expect(page.get_by_role("dialog")).to_have_count(0)
    return key


def change_password(page: Page, present: str, chosen: str) -> None:
    page.locator("input[name=current_password]").fill(present)
    page.locator("input[name=new_password]").fill(chosen)
    page.get_by_role("button", name="Change the password").click()


def type_password(dialog: Locator, password: str) -> None:
    dialog.locator("input[name=password]").fill(password)


def open_from_menu(page: Page, person: Person, title: str) -> None:
    page.get_by_label(f"account of {person.full_name}").click()
    page.get_by_role("menuitem", name=title).click()
    expect(page.get_by_role("menu")).to_have_count(0)


def log_in_elsewhere(stack: Stack, person: Person) -> str:
    """Return an access token of another session of the person's."""
    token: str = stack.call("/auth/login", body={"email": person.email, "password": person.password})["access_token"]
    return token


def status_of(stack: Stack, path: str, token: str) -> int:
    """Return what a call with a token or a key is answered."""
    try:
        stack.call(path, token=token)
    except HTTPError as refused:
        with refused:
            return refused.code
    return 200


def pictures(page: Page, name: str) -> None:
    """Leave pictures of a page in both schemes, wide and narrow."""
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        shoot(page, f"{name}-{scheme}")
        page.set_viewport_size(MOBILE)
        shoot(page, f"{name}-mobile-{scheme}")
        page.set_viewport_size(DESKTOP)
    page.emulate_media(color_scheme="light")
