"""The gateway and every service as processes of their own, over a loaded sample, with limits wide open."""

from __future__ import annotations

import os
import re
import secrets
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import httpx

from deploy.local.plan import Plan
from tests.e2e.stack import ROOT
from tests.waiting import eventually, free_port

PASSWORD = "wT9-kepler-orbit-77"
# What a test does in a minute no person does: its limits would be all that it finds.
OPEN = {f"RATE_LIMIT_{who}": "off" for who in ("USER", "API_KEY", "ADDRESS")}
# So that a test may call from many addresses, and one guessed password too many shuts nobody else out.
OPEN["TRUSTED_PROXIES"] = "127.0.0.1/32"
START_SECONDS, STOP_SECONDS = 90.0, 20.0


@dataclass(frozen=True)
class Person:
    """Somebody with an account who has logged in."""

    email: str
    id: str
    token: str
    refresh_token: str

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}


@dataclass
class Live:
    """Where the gateway answers, and the people whom a test needs there."""

    plan: Plan
    environment: dict[str, str]
    client: httpx.Client
    _numbers: Iterator[int] = field(default_factory=lambda: count(1))
    _anybody: dict[str, Person] = field(default_factory=dict)

    def command(self, *arguments: str, words: str = "") -> str:
        """Return what a command of our own printed."""
        ran = subprocess.run(
            self.plan.command(*arguments),
            input=words,
            cwd=ROOT,
            env={**self.plan.full_environment(), **self.environment},
            capture_output=True,
            text=True,
            check=True,
        )
        return ran.stdout

    def person(self, *roles: str) -> Person:
        """Return somebody new with those roles, logged in."""
        email = f"somebody-{next(self._numbers)}-{secrets.token_hex(4)}@example.com"
        given = [word for role in roles for word in ("--role", role)]
        named = ("--email", email, "--full-name", "Somebody New")
        self.command("-m", "services.auth", "create-user", *named, *given, words=PASSWORD)
        return self.login(email)

    def anybody(self, role: str) -> Person:
        """Return somebody of that role who may be another test's too: who asks, and owns nothing."""
        if role not in self._anybody:
            self._anybody[role] = self.person(role)
        return self._anybody[role]

    def login(self, email: str, password: str = PASSWORD) -> Person:
        """Return somebody with a session of their own."""
        found = self.call("POST", "/auth/login", json={"email": email, "password": password}).json()
        return Person(email, found["user"]["id"], found["access_token"], found["refresh_token"])

    def oauth_client(self, *scopes: str) -> str:
        """Return the token of a new OAuth client that acts for itself."""
        asked = [word for scope in scopes for word in ("--scope", scope)]
        printed = self.command("-m", "services.auth", "create-client", "--name", "partner", *asked)
        client_id, secret = re.findall(r"^client_(?:id|secret) (\S+)$", printed, re.M)
        form = {"grant_type": "client_credentials", "scope": " ".join(scopes)}
        return str(self.call("POST", "/auth/token", data=form, auth=(client_id, secret)).json()["access_token"])

    def call(self, verb: str, path: str, who: Person | None = None, **more: Any) -> httpx.Response:
        """Return the answer to one call below /api/v1. Fails on a refusal."""
        response = self.client.request(verb, f"/api/v1{path}", headers=who.headers if who else {}, **more)
        assert response.status_code < 400, f"{verb} {path}: {response.text}"
        return response

    def said(self) -> str:
        """Return what the processes logged."""
        logs = sorted((self.plan.var_dir / "log").glob("*.log"))
        return "\n".join(f"{log.name}:\n{log.read_text(errors='replace')}" for log in logs)


@contextmanager
def running(var_dir: Path, **environment: str) -> Iterator[Live]:
    """Give the platform over a state folder; its environment is ours and what is added."""
    plan = Plan.for_checkout(ROOT, var_dir, free_port())
    ours = {**OPEN, **environment}
    with ExitStack() as stack:
        client = stack.enter_context(httpx.Client(base_url=plan.url, timeout=60, trust_env=False))
        live = Live(plan, ours, client)
        (var_dir / "log").mkdir(exist_ok=True)
        started = []
        stack.callback(stop, started)
        for process in plan.processes:
            log = stack.enter_context((var_dir / "log" / f"{process.name}.log").open("ab"))
            added = {**plan.full_environment(process), **ours}
            # The supervisor that a process watches is this one.
            added["SUPERVISOR_PID"] = str(os.getpid())
            started.append(
                subprocess.Popen(plan.command(*process.arguments), cwd=ROOT, env=added, stdout=log, stderr=log)
            )
        eventually(lambda: answers(live, started), START_SECONDS)
        yield live


def answers(live: Live, started: list[subprocess.Popen[bytes]]) -> bool:
    """Return whether every process serves."""
    assert all(process.poll() is None for process in started), f"a process ended while it started; {live.said()}"
    try:
        return live.client.get("/health/stack").status_code == 200
    except httpx.TransportError:
        return False


def stop(started: list[subprocess.Popen[bytes]]) -> None:
    """End the processes."""
    for process in started:
        process.terminate()
    deadline = time.monotonic() + STOP_SECONDS
    for process in started:
        try:
            process.wait(max(0.1, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
