"""Functions that operations of the tests run, each in a process of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from shared import principal
from shared.errors import InvalidArgument
from shared.operations.work import Progress


def doubled(progress: Progress, arguments: Mapping[str, Any]) -> dict[str, Any]:
    return {"twice": 2 * arguments["number"], "pid": os.getpid()}


def stepwise(progress: Progress, arguments: Mapping[str, Any]) -> dict[str, Any]:
    for step in range(arguments["steps"]):
        progress(100 * step / arguments["steps"], f"step {step}")
        go_on(arguments, f"step-{step}")
    return {"steps": arguments["steps"]}


def waiting(progress: Progress, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Leave word of having begun, then wait to be told to go on."""
    with Path(arguments["folder"], "began").open("a") as began:
        began.write(f"{os.getpid()}\n")
    progress(10, "waiting")
    go_on(arguments, "go")
    return {"went": True}


def with_a_child(progress: Progress, arguments: Mapping[str, Any]) -> dict[str, Any]:
    child = subprocess.Popen([sys.executable, "-c", "import signal; signal.pause()"])
    Path(arguments["folder"], "child").write_text(f"{child.pid}")
    return waiting(progress, arguments)


def deaf(progress: Progress, arguments: Mapping[str, Any]) -> dict[str, Any]:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    return waiting(progress, arguments)


def greedy(progress: Progress, arguments: Mapping[str, Any]) -> dict[str, Any]:
    held = [bytearray(2**20) for _ in range(arguments["mib"])]
    return {"held": len(held)}


def refusing(progress: Progress, arguments: Mapping[str, Any]) -> dict[str, Any]:
    raise InvalidArgument("horizon_days is 0; give 1 to 365", reason="HORIZON_WRONG")


def broken(progress: Progress, arguments: Mapping[str, Any]) -> dict[str, Any]:
    raise RuntimeError("the password is hunter2")


def killed(progress: Progress, arguments: Mapping[str, Any]) -> dict[str, Any]:
    os.kill(os.getpid(), signal.SIGKILL)
    return {}


def large(progress: Progress, arguments: Mapping[str, Any]) -> dict[str, Any]:
    return {"text": "x" * 2**21}


def quoted(progress: Progress, arguments: Mapping[str, Any]) -> dict[str, Any]:
    return {"text": "é" * (2**19 - 100)}


def unprintable(progress: Progress, arguments: Mapping[str, Any]) -> dict[str, Any]:
    return {"text": "\x7f" * (2**20 - 100)}


def verbose(progress: Progress, arguments: Mapping[str, Any]) -> dict[str, Any]:
    raise InvalidArgument("é" * 100_000, reason="R" * 300)


def leaving(progress: Progress, arguments: Mapping[str, Any]) -> dict[str, Any]:
    os._exit(3)


def forecast(progress: Progress, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """As a system's domain module would: imports what it needs itself, tells how far it is."""
    import numpy as np  # noqa: PLC0415  in this process alone

    progress(50, "fitting")
    return {"mean": np.full(int(arguments["days"]), 10.0), "caller": principal.current.get().subject}


def unusable(progress: Progress, arguments: Mapping[str, Any]) -> dict[str, Any]:
    return {"what": object()}


def chatty(progress: Progress, arguments: Mapping[str, Any]) -> dict[str, Any]:
    print('{"result": "not mine"}', flush=True)
    return {"nan": float("nan")}


def whoever(progress: Progress, arguments: Mapping[str, Any]) -> dict[str, Any]:
    caller = principal.current.get()
    regions = None if caller.regions is None else sorted(caller.regions)
    return {
        "subject": caller.subject,
        "permissions": sorted(caller.permissions),
        "regions": regions,
        "token": caller.token,
    }


def go_on(arguments: Mapping[str, Any], name: str) -> None:
    """Return once the test has left a file of that name."""
    while not Path(arguments["folder"], name).exists():
        time.sleep(0.01)
