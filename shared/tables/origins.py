"""What `_source` of a curated row may say: the source it came from, and what of it was not given but made up."""

from __future__ import annotations

SIMULATED = "simulated"
"""The whole row was simulated on top of given data."""
INFERRED = "inferred"
"""The row only follows from others, such as a product that is sold but in no catalogue."""


def partly(source: str, how: str, *columns: str) -> str:
    """Return the origin of a given row of which some columns were made up: `complete-journey:simulated(unit_cost)`.

    Args:
        source: name of the source that gave the row.
        how: SIMULATED or INFERRED.
        columns: the columns that were made up.
    """
    return f"{source}:{how}({','.join(columns)})"
