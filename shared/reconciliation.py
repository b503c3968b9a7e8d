"""How a prod table ties to the curated rows it was counted from: declared beside the function that makes it.

A module of batch functions names in `TIES` a `Tie` or, with the reason, an `Untied` for each table it makes; the
pipeline's ledger follows the ties after each run. A table with neither fails the pipeline's tests.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import ibis.expr.types as ir

TIES = "TIES"
"""What a batch module calls what it declares of its tables here."""


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


@dataclass(frozen=True, slots=True)
class Untied:
    """A prod table that no sum over curated rows can be held against, and why."""

    table: str
    """Full name of the prod table."""
    reason: str
    """As a sentence: what it holds instead of something counted or added up."""
