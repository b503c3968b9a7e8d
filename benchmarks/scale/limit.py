"""A memory bound on a whole tree of processes, kept by the kernel where a control group may be made."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

HIERARCHY = Path("/sys/fs/cgroup")
MEMBERSHIP = Path("/proc/self/cgroup")


@dataclass(frozen=True, slots=True)
class Group:
    """A control group below our own, so that what binds us binds it too."""

    folder: Path
    limit_file: str
    events_file: str

    def command(self, command: Sequence[str]) -> list[str]:
        """Return the command that joins the group, then becomes `command`."""
        return ["/bin/sh", "-c", 'echo $$ > "$0" && exec "$@"', str(self.folder / "cgroup.procs"), *command]

    @property
    def kills(self) -> int:
        """Return how many processes of the group the kernel killed for want of memory."""
        lines = (line.split() for line in (self.folder / self.events_file).read_text().splitlines())
        return next((int(words[1]) for words in lines if words[0] == "oom_kill"), 0)

    def close(self) -> None:
        """Take the group away; its processes have ended."""
        self.folder.rmdir()


def group(limit: int) -> Group | None:
    """Return a new group bound to `limit` bytes; None where none can be made (no right to, or no memory controller).

    What a process has read from and written to files counts too, but is given back before the bound is passed.
    """
    for line in MEMBERSHIP.read_text().splitlines():
        _, controllers, path = line.split(":", 2)
        if "memory" in controllers.split(","):
            made = Group(_below(HIERARCHY / "memory", path), "memory.limit_in_bytes", "memory.oom_control")
        elif not controllers:
            made = Group(_below(HIERARCHY, path), "memory.max", "memory.events")
        else:
            continue
        if _bound(made, limit):
            return made
    return None


def _below(root: Path, path: str) -> Path:
    return root / path.lstrip("/") / f"scale-{os.getpid()}-{uuid4().hex[:8]}"


def _bound(made: Group, limit: int) -> bool:
    try:
        made.folder.mkdir()
    except OSError:
        return False
    try:
        # Without the controller the file is not there, and none can be made.
        with (made.folder / made.limit_file).open("r+") as file:
            file.write(str(limit))
    except OSError:
        made.close()
        return False
    return True
