"""Where the platform answers, and what a browser complains of while it is used."""

from __future__ import annotations

import json
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from playwright.sync_api import ConsoleMessage, Page

ROOT = Path(__file__).parents[2]
OUTPUT = ROOT / "build" / "e2e"
AXE = ROOT / "web" / "node_modules" / "axe-core" / "axe.min.js"


@dataclass(frozen=True)
class Person:
    """Somebody who logs in."""

    full_name: str
    email: str
    password: str


@dataclass(frozen=True)
class Stack:
    """Where the platform answers, and its state folder where that is known."""

    url: str
    var_dir: Path | None = None

    def call(self, path: str, *, token: str = "", body: object = None, accept: str = "application/json") -> Any:
        """Return the answer to one REST call: parsed JSON, or text for another `accept`."""
        headers = {"Accept": accept, "Content-Type": "application/json"}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.url}/api/v1{path}", data, headers)
        with urllib.request.urlopen(request, timeout=30) as response:
            text = response.read().decode()
        return json.loads(text) if accept == "application/json" else text


@dataclass
class Watch:
    """What the pages complained of: console errors, uncaught exceptions and CSP violations."""

    complaints: list[str] = field(default_factory=list)
    expected: list[str] = field(default_factory=list)

    def console(self, message: ConsoleMessage) -> None:
        where = str((message.location or {}).get("url", ""))
        if message.type == "error" and not any(part in f"{message.text} {where}" for part in self.expected):
            self.complaints.append(f"{message.text} ({where})")

    def follow(self, page: Page) -> None:
        page.on("console", self.console)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
