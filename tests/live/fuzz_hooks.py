"""What schemathesis is told of this platform: who calls, from where, and that every reason of a failure is documented.

Loaded by the schemathesis process itself (`SCHEMATHESIS_HOOKS`), not by pytest. FUZZ_BOSS is the id and the token of an
administrator whom the fuzzing leaves alone.
"""

from __future__ import annotations

import atexit
import ipaddress
import json
import os
import uuid
from itertools import count
from pathlib import Path
from typing import Any

import requests
import schemathesis
from schemathesis import AuthContext, Case, CheckContext, HookContext, Response
from schemathesis.core.failures import Failure

from shared.transcode import reasons

BASE = os.environ["FUZZ_URL"]
ADDRESSES = count(int(ipaddress.ip_address("10.0.0.1")))
BOSS_ID, BOSS_TOKEN = os.environ["FUZZ_BOSS"].split()
PASSWORD = "wT9-kepler-orbit-77"
# What a schema cannot say: a field sent in two places, and `x@y.test`, an address that no mail reaches.
UNSAID = (
    *("give it once", "should be an e-mail address"),
    # Which fields of a channel go together.
    *(
        "only a webhook has one",
        "a webhook needs the address",
        "PagerDuty needs the integration",
        "say the secret again",
    ),
)
# Takes parameters in a system's own words, which the document cannot know.
OWN_WORDS = "POST /api/v1/analytics/{system}/forecast"
# 5xx that are the right answer: a system has no such part, or is elsewhere and does not answer.
RIGHTLY = {(501, "NOT_OFFERED"), (503, "SYSTEM_UNREACHABLE")}
REACHED: set[str] = set()
NOBODY = "00000000-0000-4000-8000-000000000000"


def address() -> str:
    """Return an address nobody called from yet, so that no back-off of another call is met."""
    return str(ipaddress.ip_address(next(ADDRESSES)))


@atexit.register
def told() -> None:
    """Leave behind which operations were reached."""
    Path(os.environ["FUZZ_REACHED"]).write_text("\n".join(sorted(REACHED)))


class Undocumented(Failure):
    """An operation failed for a reason that the document does not list."""


@schemathesis.auth(retry_on=[401], refresh_interval=300)
class LoggedIn:
    """Logs in, and again where the fuzzing ended the session, changed the password or removed the account."""

    def __init__(self) -> None:
        self.email = ""

    def get(self, case: Case, ctx: AuthContext) -> str:
        return (self.login() if self.email else "") or self.somebody_else()

    def login(self) -> str:
        answer = ask("POST", "/auth/login", json={"email": self.email, "password": PASSWORD})
        return str(answer.json().get("access_token", "")) if answer.ok else ""

    def somebody_else(self) -> str:
        """Return the token of a new administrator."""
        self.email = f"fuzzer-{uuid.uuid4().hex}@example.com"
        person = {"email": self.email, "full_name": "Fuzz Er", "password": PASSWORD}
        made = ask("POST", "/auth/register", json=person)
        boss = {"Authorization": f"Bearer {BOSS_TOKEN}"}
        ask("PATCH", f"/auth/users/{made.json()['user']['id']}", boss, json={"roles": ["admin"]})
        return self.login()

    def set(self, case: Case, data: str, ctx: AuthContext) -> None:
        case.headers = {**(case.headers or {}), "Authorization": f"Bearer {data}"}


def ask(verb: str, path: str, headers: Any = None, **more: Any) -> requests.Response:
    """Return the answer to a call of our own."""
    own = {"X-Forwarded-For": address(), **(headers or {})}
    answer = requests.request(verb, f"{BASE}/api/v1{path}", headers=own, timeout=30, **more)
    if path != "/auth/login":
        answer.raise_for_status()
    return answer


@schemathesis.hook
def before_call(context: HookContext, case: Case, kwargs: dict[str, Any]) -> None:
    """Call from an address of its own, and never about the administrator who makes the others."""
    case.path_parameters = {name: NOBODY if value == BOSS_ID else value for name, value in case.path_parameters.items()}
    case.headers = {**(case.headers or {}), "X-Forwarded-For": address()}


@schemathesis.hook
def after_call(context: HookContext, case: Case, response: Response) -> None:
    """Note an operation that did what it was asked, or refused it for a reason of its own."""
    problem = json.loads(response.content) if b'"reason"' in response.content else {}
    if response.status_code < 400 or problem.get("reason") not in (*reasons.COMMON, *reasons.BODY, *reasons.TOKEN):
        REACHED.add(case.operation.label)


@schemathesis.check
def every_reason_is_documented(ctx: CheckContext, response: Response, case: Case) -> None:
    """Fail for a problem whose `reason` the operation does not list."""
    if response.headers.get("content-type", [""])[0] != "application/problem+json":
        return
    problem = json.loads(response.content)
    if problem["reason"] in ("METHOD_NOT_ALLOWED", "UNKNOWN_PATH"):
        # Asked by another verb, or with a path that is no longer this operation's.
        return
    if problem["reason"] not in case.operation.definition.raw["x-error-reasons"]:
        told = f"{problem['status']} {problem['reason']}: {problem['detail'][:200]}"
        raise Undocumented(operation=case.operation.label, title="Undocumented reason", message=told)


@schemathesis.hook
def filter_failure(context: HookContext, failure: Failure, case: Case, response: Response) -> bool:
    """Drop refusals by a rule that no schema can say: a wrong password, a field sent in two places."""
    if failure.code not in ("ST101", "ST202"):
        return True
    problem = json.loads(response.content) if b"{" in response.content else {}
    if failure.code == "ST101":
        return (response.status_code, problem.get("reason")) not in RIGHTLY
    if problem.get("reason") != "INVALID_ARGUMENT" or case.operation.label == OWN_WORDS:
        return False
    wrong = problem.get("errors")
    return not wrong or not all(any(said in one["detail"] for said in UNSAID) for one in wrong)
