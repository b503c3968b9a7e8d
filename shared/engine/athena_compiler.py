"""Ibis's words for Athena, with those it leaves out although Athena (Trino, engine version 3) has them."""

from __future__ import annotations

import ibis.expr.operations as ops
from ibis.backends.sql.compilers.athena import AthenaCompiler
from ibis.backends.sql.compilers.trino import TrinoCompiler

_THERE = (ops.ArrayFilter, ops.ArrayMap)


class LambdaCompiler(AthenaCompiler):  # type: ignore[misc]
    """Athena SQL by Ibis, with `filter` and `transform` of arrays, which the rules of tables are written with."""

    __slots__ = ()

    UNSUPPORTED_OPS = tuple(op for op in AthenaCompiler.UNSUPPORTED_OPS if op not in _THERE)
    visit_ArrayFilter = TrinoCompiler.visit_ArrayFilter  # noqa: N815  Ibis's names
    visit_ArrayMap = TrinoCompiler.visit_ArrayMap  # noqa: N815
