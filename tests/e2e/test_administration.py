"""What administrators do, in a real browser over the real stack: accounts, the audit log, further systems."""

from __future__ import annotations

import csv
import io
import os
import re
import secrets
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.error import HTTPError

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.e2e.stack import OUTPUT, ROOT, Person, Stack, Watch
from tests.e2e.test_account import pictures
from tests.e2e.test_segments import HTTP_ERROR, log_in
from tests.waiting import eventually, free_port

pytestmark = pytest.mark.e2e


@pytest.fixture
def root(page: Page, admin: Person) -> Page:
    """A page of an administrator, logged in."""
    page.goto("/login")
    log_in(page, admin)
    return page


def token_of(stack: Stack, person: Person) -> str:
    answer = stack.call("/auth/login", body={"email": person.email, "password": person.password})
    return str(answer["access_token"])


def choose(page: Page, row: str, deed: str) -> None:
    page.get_by_role("button", name=f"What can be done with {row}").click()
    page.get_by_role("menuitem", name=deed).click()


def row_of(page: Page, name: str) -> Locator:
    return page.get_by_role("row").filter(has=page.get_by_role("rowheader", name=name))


def go(page: Page, title: str) -> None:
    """Open a page of administration from the menu."""
    page.get_by_role("button", name="Administration").click()
    page.get_by_role("menuitem", name=title).click()
    expect(page.get_by_role("heading", name=title, level=1)).to_be_visible()


def test_an_admin_invites_changes_shuts_out_and_erases_somebody(root: Page, stack: Stack, admin: Person) -> None:
    ada = Person("Ada Lovelace", f"ada.{secrets.token_hex(6)}@example.com", "")
    go(root, "Users")
    root.get_by_role("button", name="Invite a user").click()
    form = root.get_by_role("dialog")
    form.get_by_label("E-mail").fill(ada.email)
    form.get_by_label("Full name").fill(ada.full_name)
    form.get_by_role("checkbox", name=re.compile("Analyst")).check()
    form.get_by_label("Regions").fill("Kent")
    form.get_by_label("Regions").press("Enter")
    form.get_by_role("button", name="Send the invitation").click()
    expect(root.get_by_text(f"An invitation is on its way to {ada.email}.")).to_be_visible()

    root.get_by_role("searchbox").fill(ada.email)
    expect(root.get_by_role("rowheader")).to_have_count(1)
    row = row_of(root, ada.full_name)
    for words in ("Invited", "Analyst", "Viewer", "Kent", "Never"):
        expect(row).to_contain_text(words)
    pictures(root, "users")

    choose(root, ada.email, "Change …")
    form = root.get_by_role("dialog", name=f"Change {ada.full_name}")
    form.get_by_role("checkbox", name=re.compile("Viewer")).uncheck()
    form.get_by_role("button", name="Save").click()
    expect(row).not_to_contain_text("Viewer")

    choose(root, ada.email, "Disable")
    root.get_by_role("button", name="Disable").click()
    expect(row).to_contain_text("Disabled")

    choose(root, ada.email, "Delete")
    asked = root.get_by_role("alertdialog")
    expect(asked.get_by_role("button", name="Delete for good")).to_be_disabled()
    asked.get_by_label("E-mail of the account").fill(ada.email)
    asked.get_by_role("button", name="Delete for good").click()
    expect(root.get_by_text("Nobody fits these filters.")).to_be_visible()
    assert stack.call(f"/auth/users?search={ada.email}", token=token_of(stack, admin))["total_size"] == 0


def test_an_admin_ends_the_sessions_of_somebody(root: Page, stack: Stack) -> None:
    bob = Person("Bob Kahn", f"bob.{secrets.token_hex(6)}@example.com", f"violet-{secrets.token_urlsafe(12)}")
    stack.call("/auth/register", body={"email": bob.email, "password": bob.password, "full_name": bob.full_name})
    token = token_of(stack, bob)
    root.goto(f"/admin/users?search={bob.email}")
    choose(root, bob.email, "End sessions")
    root.get_by_role("button", name="End sessions").click()
    expect(root.get_by_text("1 session of Bob Kahn ended.")).to_be_visible()

    def refused() -> bool:
        try:
            stack.call("/auth/me", token=token)
        except HTTPError as problem:
            with problem:
                return problem.code == 401
        return False

    eventually(refused)
    assert token_of(stack, bob)


def test_the_audit_log_is_filtered_exported_and_found_whole(root: Page, admin: Person, tmp_path: Path) -> None:
    go(root, "Audit log")
    table = root.get_by_role("table", name="Audit log")
    expect(table.get_by_text("Login succeeded").first).to_be_visible()
    root.get_by_role("button", name="Check the log").click()
    expect(root.get_by_text("The log is whole")).to_be_visible()
    pictures(root, "audit-log")

    root.get_by_label("Who did it").click()
    root.get_by_role("option", name=admin.email).click()
    root.get_by_role("combobox", name="What was done").fill("login.")
    root.get_by_role("combobox", name="What was done").press("Enter")
    expect(root).to_have_url(re.compile(r"action=login\."))
    expect(table.get_by_role("rowheader").filter(has_not_text="Login")).to_have_count(0)
    with root.expect_download() as download:
        root.get_by_role("button", name="Export CSV").click()
    download.value.save_as(tmp_path / "log.csv")
    rows = list(csv.DictReader(io.StringIO((tmp_path / "log.csv").read_text())))
    assert rows
    assert {row["action"].split(".")[0] for row in rows} == {"login"}
    assert len({row["actor"] for row in rows}) == 1

    root.get_by_role("button", name="Clear").click()
    root.get_by_label("From which address").fill("192.0.2.254")
    expect(root.get_by_text("Nothing that fits these filters was done.")).to_be_visible()


def listens(address: str) -> bool:
    host, _, port = address.partition(":")
    with socket.socket() as probe:
        return probe.connect_ex((host, int(port))) == 0


@pytest.fixture
def weather(stack: Stack) -> Iterator[str]:
    """The address of the example system, running beside the stack."""
    log = (OUTPUT / "stack.log").read_text() if (OUTPUT / "stack.log").exists() else ""
    serving = re.findall(r"grpc=(\S+) .*service=auth", log)
    if not serving:
        pytest.skip("E2E_URL names a stack whose log is not in build/e2e, so that its auth service is not known")
    address = f"127.0.0.1:{free_port()}"
    settings = {"GRPC_ADDRESS": address, "SERVICES": f"auth={serving[-1]}", "ISSUER": stack.url}
    process = subprocess.Popen(
        [sys.executable, "docs/examples/weather/weather.py"],
        cwd=ROOT,
        env={**os.environ, **settings, "PYTHONPATH": str(ROOT)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    eventually(lambda: listens(address))
    yield address
    process.terminate()
    process.wait(10)


def test_a_further_system_is_registered_used_and_removed(
    root: Page, stack: Stack, admin: Person, watch: Watch, weather: str
) -> None:
    watch.expected = [HTTP_ERROR]
    go(root, "Systems")
    expect(row_of(root, "Demand Insights Engine")).to_contain_text("Running")
    root.get_by_role("button", name="Register a system").click()
    form = root.get_by_role("dialog")
    form.get_by_label("Title").fill("Weather")
    form.get_by_label("gRPC address").fill(f"127.0.0.1:{free_port()}")
    form.get_by_role("button", name="Register").click()
    expect(form.get_by_role("alert")).to_be_visible(timeout=30_000)  # nothing listens there
    form.get_by_label("gRPC address").fill(weather)

    form.get_by_role("button", name="Register").click()
    expect(root.get_by_text("Weather is served now.")).to_be_visible(timeout=30_000)
    expect(row_of(root, "Weather")).to_contain_text("Registered")
    choose(root, "Weather", "Details")
    expect(root.get_by_text("/api/v1/weather/cities/{city}/today")).to_be_visible()
    root.get_by_role("button", name="Close").click()
    pictures(root, "systems")
    token = token_of(stack, admin)
    assert stack.call("/weather/cities/Oslo/today", token=token)["city"] == "Oslo"

    choose(root, "Weather", "Remove")
    root.get_by_role("button", name="Remove").click()
    expect(root.get_by_text("Weather was removed.")).to_be_visible()
    expect(row_of(root, "Weather")).to_have_count(0)
