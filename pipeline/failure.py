"""What is said of a failure: enough to act on, and never a row."""

from __future__ import annotations

import signal
import traceback
from pathlib import Path

from pipeline.code_version import ROOT
from shared.errors import Internal, PlatformError


class StepFailed(Internal):
    """A step of a Dagster run could not make its tables."""

    reason = "STEP_FAILED"


def told(error: BaseException) -> str:
    """Return what to say of an error: its sentence if it is ours, else its kind and where in our code it was raised.

    Only our own errors are known not to quote rows.
    """
    return error.detail if isinstance(error, PlatformError) else _kind(error)


def ended(returncode: int) -> str:
    """Return how a process ended that did not say so itself."""
    if returncode < 0:
        return f"killed by signal {-returncode}{_name(-returncode)}"
    return f"ended with exit code {returncode}"


def _name(number: int) -> str:
    try:
        return f" ({signal.Signals(number).name})"
    except ValueError:
        return ""


def _kind(error: BaseException) -> str:
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if str(ROOT) in frame.filename]
    ours = [frame for frame in frames if ".venv" not in frame.filename and "site-packages" not in frame.filename]
    place = f" at {Path(ours[-1].filename).relative_to(ROOT)}:{ours[-1].lineno}" if ours else ""
    return f"{type(error).__name__}{place}, our own mistake; please report it"
