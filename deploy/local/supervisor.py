"""All processes under one supervisor (circus), until a signal ends them together."""

from __future__ import annotations

import asyncio
import shlex
import signal
import threading
from typing import Any

from circus import get_arbiter
from circus.arbiter import Arbiter
from circus.exc import ConflictError

from deploy.local import welcome
from deploy.local.demo import Login
from deploy.local.logs import ServiceLog
from deploy.local.plan import Plan, Process

GRACE_SECONDS = 10
CHECK_SECONDS = 1.0
RETRY_SECONDS = 0.05
START_TRIES = 3
ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def run(plan: Plan, login: Login) -> None:
    """Run every process of the plan, restarting any that dies, until SIGINT or SIGTERM."""
    watchers = [watcher(plan, process) for process in plan.processes]
    # In-memory endpoints: nobody else on the machine can reach the supervisor, and no port is taken.
    arbiter = get_arbiter(
        watchers, controller="inproc://controller", pubsub_endpoint="inproc://events", check_delay=CHECK_SECONDS
    )
    _end_on_signals(arbiter)
    greeting = threading.Thread(target=welcome.when_ready, args=(plan, login), daemon=True)
    greeting.start()
    arbiter.start()


def _end_on_signals(arbiter: Arbiter) -> None:
    """Take the signals over from circus, which forgets one that comes while it is starting or checking processes."""

    async def stop() -> None:
        arbiter.ctrl.caller.stop()
        while True:
            try:
                await arbiter.stop()
            except ConflictError:
                await asyncio.sleep(RETRY_SECONDS)
            else:
                return

    for number in ENDING:
        signal.signal(number, lambda *_: arbiter.loop.add_callback_from_signal(stop))


def watcher(plan: Plan, process: Process) -> dict[str, Any]:
    """Return what circus is told of one process."""
    width = max(len(each.name) for each in plan.processes)
    log = ServiceLog(process.name, width, plan.var_dir / "log")
    command, *arguments = plan.command(*process.arguments)
    return {
        "name": process.name,
        # circus splits it as a shell would: a checkout may lie in a folder with a space in its name.
        "cmd": shlex.quote(command),
        "args": arguments,
        "working_dir": str(plan.root),
        "env": plan.full_environment(process),
        "stdout_stream": {"stream": log},
        "stderr_stream": {"stream": log},
        "graceful_timeout": GRACE_SECONDS,
        # Of starting it at all; one that started and died is started again without end.
        "max_retry": START_TRIES,
    }
