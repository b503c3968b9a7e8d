"""Ibis's words for Spark where its own do not mean what they mean on DuckDB."""

from __future__ import annotations

from typing import Any

import sqlglot as sg
import sqlglot.expressions as sge
from ibis.backends.sql.compilers.base import NULL
from ibis.backends.sql.compilers.pyspark import PySparkCompiler


class AgreeingCompiler(PySparkCompiler):  # type: ignore[misc]
    """Spark SQL by Ibis, but that not-a-number is a number: Ibis takes it for null on Spark, and only there."""

    __slots__ = ()

    def visit_IsNull(self, op: Any, *, arg: sge.Expression) -> sge.Expression:  # noqa: N802  Ibis's name
        """Return SQL of a value being null."""
        return arg.is_(NULL)

    def visit_NotNull(self, op: Any, *, arg: sge.Expression) -> sge.Expression:  # noqa: N802  Ibis's name
        """Return SQL of a value being there."""
        return arg.is_(sg.not_(NULL))
