"""All processes under one supervisor (circus), until a signal ends them together."""

from __future__ import annotations

import threading
from typing import Any

from circus import get_arbiter

from deploy.local import welcome
from deploy.local.demo import Login
from deploy.local.logs import ServiceLog
from deploy.local.plan import Plan, Process

GRACE_SECONDS = 10
CHECK_SECONDS = 1.0


def run(plan: Plan, login: Login) -> None:
    """Run every process of the plan, restarting any that dies, until SIGINT or SIGTERM."""
    watchers = [_watcher(plan, process) for process in plan.processes]
    # In-memory endpoints: nobody else on the machine can reach the supervisor, and no port is taken.
    arbiter = get_arbiter(
        watchers, controller="inproc://controller", pubsub_endpoint="inproc://events", check_delay=CHECK_SECONDS
    )
    greeting = threading.Thread(target=welcome.when_ready, args=(plan, login), daemon=True)
    greeting.start()
    arbiter.start()


def _watcher(plan: Plan, process: Process) -> dict[str, Any]:
    width = max(len(each.name) for each in plan.processes)
    log = ServiceLog(process.name, width, plan.var_dir / "log")
    command, *arguments = plan.command(*process.arguments)
    return {
        "name": process.name,
        "cmd": command,
        "args": arguments,
        "working_dir": str(plan.root),
        "env": plan.full_environment(process),
        "stdout_stream": {"stream": log},
        "stderr_stream": {"stream": log},
        "graceful_timeout": GRACE_SECONDS,
        "max_retry": -1,
    }
