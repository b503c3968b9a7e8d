"""`python -m shared.operations.child`: one function run in a process of its own.

The job comes as one line of JSON on standard input, which stays open as long as anybody waits: its end is ours. What
the function has to say goes line by line to what was standard output; whatever it prints goes to standard error.
Nothing is imported here that the function does not need.
"""

from __future__ import annotations

import contextlib
import json
import os
import resource
import signal
import sys
import threading
import time
import traceback
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO

from shared import principal
from shared.operations.work import work_of

NICENESS = 5
OUT_OF_MEMORY_FIRST = "500"
PROGRESS_SECONDS = 0.2
PHRASE_CHARACTERS, REASON_CHARACTERS, DETAIL_CHARACTERS = 200, 100, 2000
"""No more than the database keeps: an outcome that it refuses would never be written."""
FAILED, OUT_OF_MEMORY = "OPERATION_FAILED", "OPERATION_OUT_OF_MEMORY"
RESULT_TOO_LARGE, RESULT_UNUSABLE = "OPERATION_RESULT_TOO_LARGE", "OPERATION_RESULT_UNUSABLE"


def main() -> None:
    """Run the one job that is given."""
    out = _own_output()
    job = json.loads(sys.stdin.buffer.readline())
    _end_with_parent(out)
    _stand_back(job["memory_mb"])
    _tell(out, outcome(job, Teller(out)))


def outcome(job: Mapping[str, Any], progress: Teller) -> dict[str, Any]:
    """Return what came of a job: its result as JSON, or why there is none."""
    principal.current.set(caller_of(job["caller"]))
    try:
        result = work_of(job["function"], job["packages"])(progress, json.loads(job["arguments"]))
        return kept(result, job["result_bytes"])
    except MemoryError:
        wanted = f"it needed more than the {job['memory_mb']} MiB that an operation may have; ask for less at once"
        return {"error": [OUT_OF_MEMORY, wanted]}
    except Exception as error:
        return {"error": list(why(error))}


def caller_of(told: Mapping[str, Any]) -> principal.Principal:
    """Return whoever asked for the work, with what they may see; without their token, which ends sooner."""
    regions = told["regions"]
    return principal.Principal(
        told["subject"],
        frozenset(told["roles"]),
        frozenset(told["permissions"]),
        None if regions is None else frozenset(regions),
    )


def kept(result: Any, most: int) -> dict[str, Any]:
    """Return a result in the form it is kept in, or the error that it cannot be kept."""
    import orjson  # noqa: PLC0415  only once there is a result

    if not isinstance(result, dict):
        return {"error": [RESULT_UNUSABLE, f"the work answered {type(result).__name__}, not a mapping"]}
    try:
        text = orjson.dumps(result, option=orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_NON_STR_KEYS)
    except TypeError as error:
        return {"error": [RESULT_UNUSABLE, f"the work answered what JSON cannot hold: {error}"]}
    if len(text) > most:
        return {
            "error": [RESULT_TOO_LARGE, f"the result has {len(text)} bytes, more than {most}; ask for less at once"]
        }
    return {"result": text.decode()}


def why(error: Exception) -> tuple[str, str]:
    """Return the reason and the sentence of a failure; of one that nobody foresaw, no more than that."""
    errors = sys.modules.get("shared.errors")
    if errors is not None and isinstance(error, errors.PlatformError):
        return error.error_reason[:REASON_CHARACTERS], error.detail[:DETAIL_CHARACTERS]
    traceback.print_exception(error)
    return FAILED, "something went wrong on our side; the log of the service has more"


class Teller:
    """Tells how far the work is, a few times a second at most."""

    def __init__(self, out: BinaryIO) -> None:
        self._out, self._phrase, self._told_at = out, "", float("-inf")
        self._lock = threading.Lock()

    def __call__(self, pct: float, phrase: str = "") -> None:
        """Say the share done, 0-100, and what is being done now."""
        with self._lock:
            phrase = (phrase or self._phrase)[:PHRASE_CHARACTERS]
            now = time.monotonic()
            if phrase == self._phrase and now - self._told_at < PROGRESS_SECONDS:
                return
            self._phrase, self._told_at = phrase, now
            _tell(self._out, {"progress": [min(max(float(pct), 0.0), 100.0), phrase]})


def _tell(out: BinaryIO, message: dict[str, Any]) -> None:
    out.write(json.dumps(message).encode() + b"\n")
    out.flush()


def _own_output() -> BinaryIO:
    """Return standard output for ourselves; prints of the work go to standard error."""
    out = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    return out


def _end_with_parent(out: BinaryIO) -> None:
    """Leave a second, tiny process to end this one, and all it began, when nobody waits for them any more.

    A thread could not while the work holds the interpreter; a signal to this process alone would leave its children.
    """
    if os.fork():
        return
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    out.close()
    while os.read(sys.stdin.fileno(), 1):
        pass
    os.killpg(0, signal.SIGKILL)


def _stand_back(memory_mb: int) -> None:
    """Let requests go first, and be the one that must go when memory is short."""
    os.nice(NICENESS)
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text(OUT_OF_MEMORY_FIRST)
    most = memory_mb * 2**20
    # Data, not address space: libraries reserve far more of that than they use.
    resource.setrlimit(resource.RLIMIT_DATA, (most, most))


if __name__ == "__main__":
    main()
