"""Where data come from: each source by the name given to `--source`."""

from __future__ import annotations

from pathlib import Path

from pipeline.sources.complete_journey import NAME, complete_journey
from pipeline.sources.source import OpenSource, Source, SourceUnreadable, UnknownSource, Window

__all__ = ["DEFAULT", "Source", "SourceUnreadable", "UnknownSource", "Window", "source"]

DEFAULT = NAME


def source(name: str, folder: Path | None = None) -> Source:
    """Return the source of that name, read from `folder` where given. Raises UnknownSource."""
    known: dict[str, OpenSource] = {NAME: complete_journey}
    if name not in known:
        raise UnknownSource(f"no source {name!r}; there are: {', '.join(known)}")
    return known[name](folder)
