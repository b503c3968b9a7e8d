"""Processes of an earlier run that was killed before it could stop them."""

from __future__ import annotations

from pathlib import Path

import psutil


def stop_earlier(var_dir: Path, *, patience_seconds: float = 10) -> int:
    """Stop what still runs for this VAR_DIR from an earlier run; return how many processes that were."""
    found = [process for process in psutil.process_iter(["pid"]) if _is_ours(process, var_dir)]
    for process in found:
        _quietly(process.terminate)
    _, alive = psutil.wait_procs(found, timeout=patience_seconds)
    for process in alive:
        _quietly(process.kill)
    psutil.wait_procs(alive, timeout=patience_seconds)
    return len(found)


def _is_ours(process: psutil.Process, var_dir: Path) -> bool:
    """Return whether a supervisor that is gone started this process for `var_dir`."""
    try:
        environment = process.environ()
        supervisor = environment.get("SUPERVISOR_PID", "")
        return (
            environment.get("VAR_DIR") == str(var_dir)
            and supervisor.isdigit()
            and process.pid != psutil.Process().pid
            and process.ppid() != int(supervisor)
        )
    except (psutil.AccessDenied, psutil.NoSuchProcess, psutil.ZombieProcess):
        return False


def _quietly(action: object) -> None:
    try:
        action()  # type: ignore[operator]
    except psutil.NoSuchProcess:
        return
