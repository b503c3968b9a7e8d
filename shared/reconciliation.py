"""How a prod table ties to the curated rows it was counted from: declared beside the function that makes it.

A module of batch functions names its ties in `TIES`; the pipeline's ledger follows them after each run.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import ibis.expr.types as ir

TIES = "TIES"
"""What a batch module calls its ties."""


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a curated row is not counted: its name and the condition, given the rows and the batch clock."""

    name: str
    holds: Callable[[ir.Table, date], ir.BooleanValue]


@dataclass(frozen=True, slots=True)
class Tie:
    """A prod table, the curated rows that make up its sum, and why rows of those are left out of it."""

    table: str
    """Full name of the prod table."""
    counted_from: str
    """Full name of the curated table; its `amount` is what is added up."""
    reasons: tuple[Reason, ...]
    """Each row is left out for the first that holds; one for which none holds is counted."""
    amount: Callable[[ir.Table], ir.DecimalScalar]
    """The sum that the prod table says."""
    rows: Callable[[ir.Table], ir.IntegerScalar] | None = None
    """How many of the curated rows it says it counts; None: it does not say."""
