"""What a batch function with a model in it says of its columns: no expression shows it.

A module of batch functions names these in `LINEAGE`, by function. Of a function that is one Ibis expression nothing
needs to be said: its lineage is computed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import ibis.expr.types as ir

LINEAGE = "LINEAGE"
"""What a batch module calls its mapping to ModelSteps, by the name of the function or of one of its tables."""
GENERATED: tuple[str, ...] = ()
"""Of a column that comes from nothing in the lake, such as the name of the model that was used."""


@dataclass(frozen=True, slots=True)
class ModelStep:
    """A table whose last step is a model: what it takes and which of its columns it makes of what."""

    columns: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Column → columns of `features`, or full names such as `curated.orders.total`; GENERATED: of neither."""
    features: Callable[..., ir.Table] | None = None
    """The relational function before the model: columns not named above come from it as they are."""
