"""A world generated into a folder."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.generate import build, catalogue, people
from pipeline.generate.dirt import Dirt
from pipeline.generate.folder import ROWS_A_FILE, Folder, Written, check_space, prepare
from pipeline.generate.tables import stretches
from pipeline.sources.source import first_line
from shared.errors import FailedPrecondition

if TYPE_CHECKING:
    from pipeline.generate.display import Advance
    from pipeline.generate.world import Knobs

BYTES_AN_ORDER = 430
BYTES_A_CUSTOMER = 190
BYTES_A_PRODUCT = 6_000
BASE_BYTES = 2_000_000


class FolderUnwritable(FailedPrecondition):
    """The disk is full or does not let us write."""

    reason = "FOLDER_UNWRITABLE"


def generate(
    knobs: Knobs, folder: Path, advance: Advance, *, replace: bool = False, rows_a_file: int = ROWS_A_FILE
) -> Written:
    """Return what was written. Raises FolderNotOurs, NoSpace, FolderUnwritable."""
    check_space(folder, expected_bytes(knobs))
    try:
        return prepare(folder, knobs, replace=replace) or _written(knobs, folder, advance, rows_a_file)
    except OSError as error:
        why = error.strerror or first_line(error)
        raise FolderUnwritable(f"{folder}: {why}; see to the disk and run it again, which begins anew") from error


def _written(knobs: Knobs, folder: Path, advance: Advance, rows_a_file: int) -> Written:
    world = build.world(knobs)
    with Folder(folder, knobs, rows_a_file) as out:
        dirt = Dirt(world, out)
        for stretch in stretches(world, out):
            out.write(dirt.soiled(stretch))
            advance(stretch.orders)
        return out.finish()


def expected_bytes(knobs: Knobs) -> int:
    """Return about how many bytes a world of these knobs takes."""
    people_and_goods = people.count_of(knobs) * BYTES_A_CUSTOMER + catalogue.count_of(knobs) * BYTES_A_PRODUCT
    return BASE_BYTES + int(knobs.orders * BYTES_AN_ORDER * max(knobs.sessions, 0.5)) + people_and_goods
