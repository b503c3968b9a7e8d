"""Just enough of a Dockerfile reader to lay an image's files out without a container engine."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
DOCKERFILE = ROOT / "deploy" / "docker" / "Dockerfile"


@dataclass
class Stage:
    """One stage: what it is built from, the COPY lines from the context, and its ENV and CMD lines."""

    base: str
    copies: list[tuple[str, str]] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)


def stages() -> dict[str, Stage]:
    """Return the stages of the Dockerfile by name."""
    found: dict[str, Stage] = {}
    stage = Stage("")
    for line in DOCKERFILE.read_text().replace("\\\n", " ").splitlines():
        words = line.split()
        if words[:1] == ["FROM"]:
            stage = found[words[3]] = Stage(words[1])
        elif words[:1] == ["COPY"] and not words[1].startswith("--"):
            stage.copies.append((words[1], words[2]))
        stage.lines.append(line)
    return found


def lay_out(target: str, image: str, folder: Path) -> None:
    """Copy into `folder` what the Dockerfile puts into /app for `target`, with the contracts generated."""
    known = stages()
    chain = [target]
    while known[chain[-1]].base in known:
        chain.append(known[chain[-1]].base)
    for name in reversed(chain):
        for source, destination in known[name].copies:
            _copy(source.replace("${IMAGE}", image), folder / destination.replace("${IMAGE}", image))
    _copy("protos", folder / "protos")


def _copy(source: str, destination: Path) -> None:
    destination.parent.mkdir(parents=True, exist_ok=True)
    if (ROOT / source).is_dir():
        shutil.copytree(ROOT / source, destination, ignore=shutil.ignore_patterns("__pycache__"))
    else:
        shutil.copy(ROOT / source, destination)
