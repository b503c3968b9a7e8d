"""The demo: its data in the lake, and a login to look at them."""

from __future__ import annotations

import json
import os
import secrets
import subprocess
from dataclasses import asdict, dataclass
from pathlib import Path

from deploy.local.plan import Plan
from deploy.local.preflight import CannotStart

EMAIL = "demo@example.com"


@dataclass(frozen=True, slots=True)
class Login:
    """An e-mail address and its generated password."""

    email: str
    password: str


def load_data(plan: Plan) -> None:
    """Fill the lake from the demo source unless it is filled already. Raises CannotStart when that fails."""
    command = plan.command("-m", "pipeline", "run", "--if-needed")
    result = subprocess.run(command, cwd=plan.root, env=plan.full_environment(), check=False)  # noqa: S603
    if result.returncode:
        raise CannotStart(
            "The demo data could not be made; the lines above say why. "
            "Nothing is lost: mend it and start again, finished steps are not repeated."
        )


def ensure_login(plan: Plan) -> Login:
    """Return the demo login, made at the first start and kept in VAR_DIR/demo-login.json."""
    path = plan.var_dir / "demo-login.json"
    known = _read(path)
    if known:
        return known
    login = Login(EMAIL, secrets.token_urlsafe(18))
    _create_user(plan, login)
    _write_private(path, login)
    return login


def _read(path: Path) -> Login | None:
    try:
        return Login(**json.loads(path.read_text()))
    except (OSError, ValueError, TypeError):
        return None


def _create_user(plan: Plan, login: Login) -> None:
    """Make the account, or give the one of a half-finished earlier start the new password."""
    arguments = ("create-user", "--email", login.email, "--full-name", "Demo Admin", "--role", "admin", "--replace")
    result = subprocess.run(  # noqa: S603
        plan.command("-m", "services.auth", *arguments),
        input=login.password.encode(),
        cwd=plan.root,
        env=plan.full_environment(),
        capture_output=True,
        check=False,
    )
    if result.returncode:
        log = plan.var_dir / "log" / "create-user.log"
        log.parent.mkdir(parents=True, exist_ok=True)
        log.write_bytes(result.stderr)
        words = result.stderr.decode(errors="replace").strip().splitlines() or ["it said nothing"]
        raise CannotStart(f"The demo login could not be made: {words[-1]} (all of it in {log})")


def _write_private(path: Path, login: Login) -> None:
    partial = path.with_suffix(".partial")
    partial.unlink(missing_ok=True)
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        json.dump(asdict(login), file)
    partial.replace(path)
