"""Deleting what the pipeline made, after saying what that is."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from pipeline.raw import RawZone
from pipeline.settings import PipelineSettings
from pipeline.tools.places import RAW, Place, human, places, store_of
from shared.errors import FailedPrecondition, InvalidArgument

VAR = "var"
KEPT = ("auth", "secrets", "mlflow", "models", "log", "gateway", "run")
"""What of VAR_DIR only --everything takes; named so that it can be told."""


class UnknownZone(InvalidArgument):
    """There is no zone of that name."""

    reason = "UNKNOWN_ZONE"


class UnknownRawSource(InvalidArgument):
    """Raw has no source of that name."""

    reason = "UNKNOWN_RAW_SOURCE"


class NotConfirmed(FailedPrecondition):
    """Nobody is there to be asked."""

    reason = "NOT_CONFIRMED"


def plan(
    settings: PipelineSettings, zones: Sequence[str], source: str | None, *, everything: bool
) -> tuple[Place, ...]:
    """Return what would be deleted. Raises UnknownZone, UnknownRawSource."""
    known = settings.zone_uris()
    unknown = sorted(set(zones) - set(known))
    if unknown:
        raise UnknownZone(f"no zone {', '.join(unknown)}; there are: {', '.join(known)}")
    found = [place for zone in (zones or known) for place in places(settings, zone)]
    if source is not None:
        sources = [place.name for place in places(settings, RAW)]
        if source not in sources:
            raise UnknownRawSource(f"raw has no source {source!r} of ours; it has: {', '.join(sources) or 'none'}")
        found = [place for place in found if place.zone != RAW or place.name == source]
    return (*found, *(_rest(settings) if everything else ()))


def _rest(settings: PipelineSettings) -> list[Place]:
    """Return all else of VAR_DIR, but the lock that is held and a lake that has been told of by its tables."""
    left = []
    for path in sorted(settings.var_dir.iterdir()) if settings.var_dir.is_dir() else ():
        if path == settings.lock_path or path.absolute() == Path(settings.lake).absolute():
            continue
        files = [each for each in path.rglob("*") if each.is_file()] if path.is_dir() else [path]
        left.append(Place(VAR, path.name, len(files), sum(each.stat().st_size for each in files), str(path)))
    return left


def shown(found: Sequence[Place]) -> str:
    """Return the plan as lines, one a place, and the sum."""
    if not found:
        return "there is nothing to delete\n"
    lines = [f"{f'{place.zone}/{place.name}':<44}{place.files:>8,} files{human(place.bytes):>12}" for place in found]
    lines.append(f"{'together':<44}{sum(p.files for p in found):>8,} files{human(sum(p.bytes for p in found)):>12}")
    if all(place.zone != VAR for place in found):
        lines.append(f"kept: {', '.join(KEPT)} (below VAR_DIR; --everything takes them too)")
    return "\n".join(lines) + "\n"


def confirmed(*, yes: bool) -> bool:
    """Return whether somebody said yes. Raises NotConfirmed where nobody can be asked."""
    if yes:
        return True
    if not sys.stdin.isatty():
        raise NotConfirmed("reset asks before it deletes, and nobody is at the keyboard; say --yes")
    sys.stdout.write("Delete all of this? Type yes: ")
    sys.stdout.flush()
    return sys.stdin.readline().strip() == "yes"


def carry_out(settings: PipelineSettings, found: Sequence[Place]) -> None:
    """Delete the places, derived tables first, so that a reset cut short leaves raw, from which all can be made.

    Raises RawSourceBusy where a source is being extracted.
    """
    # What runs remember names versions, and a new table begins at 0 again.
    with suppress(FileNotFoundError):
        shutil.rmtree(settings.state_dir / "checked")
    for place in sorted(found, key=lambda each: each.zone == RAW):
        if place.zone == VAR:
            path = Path(place.uri)
            shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
        elif place.zone == RAW:
            with RawZone.at(settings.zone_uris()[RAW], settings.storage_options).begin(place.name):
                store_of(settings, RAW).delete_dir(place.name)
        else:
            store_of(settings, place.zone).delete_dir(place.name)
