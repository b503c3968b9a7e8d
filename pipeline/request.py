"""What a run is asked for. Imports nothing that takes long: `--if-needed` must answer at once."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from pipeline.sources import DEFAULT, Source, Window, source


@dataclass(frozen=True, slots=True)
class Request:
    """What a run was asked for."""

    source: str = DEFAULT
    source_dir: Path | None = None
    mapping: Path | None = None
    """Of `csv` alone: the mapping file."""
    max_rejected: float | None = None
    """Of `csv` alone: most lines of a file, in percent, that may be unreadable."""
    overlay: bool = True
    """Of `complete-journey` alone: whether what the data lack is simulated on top."""
    window: Window = field(default_factory=Window)
    only: tuple[str, ...] = ()
    again: bool = False
    """Look at every curated table and its quarantine again, also where nothing is new."""
    clock: date | None = None
    """Make the systems' tables as of this day; None: the last complete day of the data."""

    def origin(self) -> Source:
        """Return the source that is asked for. Raises UnknownSource, SourceUnreadable."""
        return source(
            self.source,
            self.source_dir,
            mapping=self.mapping,
            max_rejected=self.max_rejected,
            overlay=self.overlay,
        )
