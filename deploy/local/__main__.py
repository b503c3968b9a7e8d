"""`python -m deploy.local`: load the demo data once, then run every process until Ctrl-C.

PORT (8000) is where the gateway listens on 127.0.0.1; VAR_DIR (var) is where all state lives.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from deploy.local import demo, leftovers, preflight, supervisor
from deploy.local.plan import Plan


def start(root: Path) -> None:
    """Run the whole platform for the checkout at `root`. Raises CannotStart with a sentence for the person."""
    var_dir = Path(os.environ.get("VAR_DIR") or root / "var").resolve()
    port = preflight.port_from(os.environ.get("PORT", "8000"))
    with preflight.only_one(var_dir, port):
        leftovers.stop_earlier(var_dir)
        preflight.require_free(port)
        plan = Plan.for_checkout(root, var_dir, port)
        demo.load_data(plan)
        login = demo.ensure_login(plan)
        # Loading takes minutes, in which another program may have taken a port.
        supervisor.run(Plan.for_checkout(root, var_dir, port), login)


def main() -> int:
    """Return the exit code: 0 after a clean stop, 1 with one plain sentence when it could not start."""
    try:
        start(Path(__file__).resolve().parents[2])
    except preflight.CannotStart as problem:
        print(f"\n{problem}", file=sys.stderr)  # noqa: T201  the person at the terminal
        return 1
    except KeyboardInterrupt:
        print("\nStopped.", file=sys.stderr)  # noqa: T201
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
