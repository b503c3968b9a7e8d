"""An extraction kept going: over lost connections, for as long as wanted, telling how far behind it is."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from pipeline.mysql.coordinates import Coordinates, file_number, head
from pipeline.mysql.extraction import Extracted, Extraction
from shared.errors import Unavailable

LOG = logging.getLogger(__name__)
TRIES = 8
FIRST_WAIT, LONGEST_WAIT = 0.5, 30.0
POLL_SECONDS = 1.0
TELL_SECONDS = 5.0


@dataclass(slots=True)
class Following:
    """Makes extractions, one after another where connections are lost."""

    make: Callable[[bool], Extraction]
    """Makes an extraction; True: the first of this process."""
    stop: threading.Event
    tell: Callable[[str], None]
    _told_at: float = 0.0

    def once(self) -> Extracted:
        """Return what was appended to come up with the database. Raises Unavailable after so many tries in a row."""
        return self._kept_going(lambda extraction: extraction.once())

    def follow(self) -> Extracted:
        """Return what was appended when told to stop. Raises Unavailable after so many tries in a row."""
        return self._kept_going(self._followed)

    def _kept_going(self, work: Callable[[Extraction], object]) -> Extracted:
        total, tries = Extracted(), 0
        while True:
            # Tables are read anew once, not after every lost connection.
            extraction = self.make(total.batches == 0)
            try:
                work(extraction)
                return total
            except Unavailable as error:
                tries = 1 if extraction.done.batches else tries + 1
                if tries >= TRIES or self.stop.is_set():
                    raise
                wait = min(LONGEST_WAIT, FIRST_WAIT * 2 ** (tries - 1))
                LOG.warning("%s (try %s of %s, next in %g s)", error.detail, tries, TRIES, wait)
                self.stop.wait(wait)
            finally:
                _add(total, extraction.done)
                extraction.close()

    def _followed(self, extraction: Extraction) -> None:
        extraction.once()
        while not self.stop.is_set():
            self._lag(extraction, head(extraction.server))
            self.stop.wait(POLL_SECONDS)
            if not self.stop.is_set():
                extraction.follow_to(head(extraction.server))

    def _lag(self, extraction: Extraction, end: Coordinates) -> None:
        now, done = time.monotonic(), extraction.done
        if now - self._told_at < TELL_SECONDS:
            return
        at = extraction.state.position or end
        events, seconds = behind(at, end), max(0.0, time.time() - done.seconds) if done.seconds else 0.0
        caught_up = at.order >= end.order
        self.tell(
            f"lag: {events}, {0 if caught_up else round(seconds)} seconds behind; "
            f"at {at.file} {at.position}; {done.snapshot_rows + done.change_rows:,} rows so far"
        )
        self._told_at = now


def behind(at: Coordinates, end: Coordinates) -> str:
    """Return how much of the binlog lies between two places, in words."""
    files = file_number(end.file) - file_number(at.file)
    if files > 0:
        return f"{files} binlog files behind"
    return f"{max(0, end.position - at.position):,} bytes behind"


def _add(total: Extracted, more: Extracted) -> None:
    total.snapshot_rows += more.snapshot_rows
    total.change_rows += more.change_rows
    total.batches += more.batches
    total.violations += more.violations
    total.position = more.position or total.position
    total.seconds = more.seconds or total.seconds
