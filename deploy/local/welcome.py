"""What a person sees once everything answers."""

from __future__ import annotations

import time
import urllib.error
import urllib.request

from rich.console import Console
from rich.panel import Panel

from deploy.local.demo import Login
from deploy.local.plan import Plan

PATIENCE_SECONDS = 120


def when_ready(plan: Plan, login: Login) -> None:
    """Wait until the whole stack answers, then print where to go and how to log in."""
    console = Console()
    if _wait(f"{plan.url}/health/stack"):
        console.print(Panel(_text(plan, login), title="Shop Insight is running", expand=False))
    else:
        console.print(f"[bold]Not everything came up in {PATIENCE_SECONDS} s;[/] see {plan.var_dir / 'log'}.")


def _wait(url: str) -> bool:
    """Return whether `url` answered 200 in time."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(url, timeout=2):  # noqa: S310  our own loopback address
                return True
        except (urllib.error.URLError, OSError):
            time.sleep(0.2)
    return False


def _text(plan: Plan, login: Login) -> str:
    return "\n".join(
        (
            f"Open      {plan.url}",
            f"API docs  {plan.url}/api/v1/docs",
            f"Log in    {login.email}",
            f"Password  {login.password}",
            f"          (also in {plan.var_dir / 'demo-login.json'})",
            "Stop      Ctrl-C",
        )
    )
