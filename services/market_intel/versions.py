"""The versions that the pipeline's forecasts are made by: which is live, since when, and how to go back.

Which version an alias stands for is what the log of moves says last (shared/models.py): a person's move is one line
more, and the next run of the pipeline forecasts by it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from shared.errors import FailedPrecondition
from shared.models import (
    CHAMPION,
    DEPLOYMENTS,
    Manifest,
    ManifestMissing,
    ModelVersion,
    UnknownModel,
    alone,
    append_line,
    load_manifest,
    parts,
    whole_lines,
)

OURS = "market_intel."
MOST_MOVES = 1000


class ModelAlreadyLive(FailedPrecondition):
    """The version is the champion already."""

    reason = "MODEL_ALREADY_LIVE"


class NothingToRollBack(FailedPrecondition):
    """There was no champion before the present one."""

    reason = "NOTHING_TO_ROLL_BACK"


class WhichModel(FailedPrecondition):
    """There are several models, and the request names none of them."""

    reason = "MODEL_NOT_NAMED"


@dataclass(frozen=True, slots=True)
class Move:
    """An alias that was pointed at another version."""

    at: datetime
    model: str
    alias: str
    version: str
    previous: str
    because: str
    is_rollback: bool = False


@dataclass(frozen=True)
class Versions:
    """The models of this system, read off the manifest in a folder."""

    root: Path
    now: Callable[[], datetime] = lambda: datetime.now(UTC)

    def manifest(self) -> Manifest:
        """Return the manifest. Raises ManifestMissing, in words that name no folder of ours."""
        try:
            return load_manifest(self.root / "manifest.json")
        except ManifestMissing:
            raise ManifestMissing("no model has been registered yet; run the pipeline first") from None

    def all(self) -> list[ModelVersion]:
        """Return every version, by model and newest first. Raises ManifestMissing."""
        found = self.manifest().versions
        return [
            model
            for name in sorted(found)
            if name.startswith(OURS)
            for model in sorted(found[name].values(), key=lambda one: parts(one.version), reverse=True)
        ]

    def moves(self) -> list[Move]:
        """Return every move of an alias of ours, oldest first."""
        lines = whole_lines(self.root / DEPLOYMENTS)
        return [move_of(line) for line in lines if str(line["model"]).startswith(OURS)]

    def promote(self, name: str, version: str, because: str, who: str) -> ModelVersion:
        """Return the version, champion now. Raises ManifestMissing, UnknownModel, ModelAlreadyLive."""
        self.manifest()  # where there is none, no lock is laid down beside it either
        with alone(self.root):
            manifest = self.manifest()
            name = self._named(manifest, name)
            model = manifest.version(name, version)
            live = manifest.live(name)
            if live is not None and live.version == version:
                raise ModelAlreadyLive(f"{name} {version} is the champion already; nothing was changed")
            self._note(model, live, because or "promoted by hand", who)
        return model

    def rollback(self, name: str, because: str, who: str) -> ModelVersion:
        """Return the champion before the present one, champion again. Raises ManifestMissing, NothingToRollBack."""
        self.manifest()
        with alone(self.root):
            manifest = self.manifest()
            name = self._named(manifest, name)
            live, before = manifest.live(name), champions(self.moves(), name)[:-1]
            if live is None or not before:
                now = live.version if live else "any"
                raise NothingToRollBack(f"{name} had no champion before {now}; promote a version instead")
            model = manifest.version(name, before[-1])
            self._note(model, live, because or "rolled back by hand", who, rollback=True)
        return model

    def _named(self, manifest: Manifest, name: str) -> str:
        """Return the model that is meant: one of ours, as the manifest holds those of other systems too."""
        ours = sorted(one for one in manifest.versions if one.startswith(OURS))
        if name and name not in ours:
            raise UnknownModel(f"market_intel has no model {name[:64]!r}; it has {', '.join(ours) or 'none yet'}")
        if name or len(ours) == 1:
            return name or ours[0]
        raise WhichModel(f"say which model: {', '.join(ours) or 'none is registered yet'}")

    def _note(
        self, model: ModelVersion, live: ModelVersion | None, because: str, who: str, *, rollback: bool = False
    ) -> None:
        line: dict[str, Any] = {
            "at": self.now().isoformat(),
            "model": model.name,
            "alias": CHAMPION,
            "version": model.version,
            "previous": live.version if live else None,
            "because": because,
            "by": who,
        }
        append_line(self.root / DEPLOYMENTS, {**line, "rollback": True} if rollback else line)


def champions(moves: Sequence[Move], name: str) -> list[str]:
    """Return the champions that a rollback can go back through, the present one last.

    Going back takes off all that came after the version gone back to: by whosever word, a person's or the pipeline's,
    what was rolled back is not to come again by another rollback.
    """
    found: list[str] = []
    for move in moves:
        if (move.model, move.alias) != (name, CHAMPION):
            continue
        if move.is_rollback and move.version in found:
            while found[-1] != move.version:
                found.pop()
        elif found[-1:] != [move.version]:
            found.append(move.version)
    return found


def move_of(line: dict[str, Any]) -> Move:
    """Return one line of the log."""
    return Move(
        datetime.fromisoformat(line["at"]),
        line["model"],
        line["alias"],
        line["version"],
        line["previous"] or "",
        line["because"],
        bool(line.get("rollback")),
    )
