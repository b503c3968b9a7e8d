"""Expressions of a mapping as SQL: columns, numbers, texts, + - * /, and a few functions; nothing else gets through."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable
from dataclasses import dataclass, field

from shared.quoting import quoted

OPERATORS: dict[type[ast.operator], str] = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/"}
NUMBER_FUNCTIONS = ("abs", "round", "greatest", "least")
ARITY = {
    "lower": (1, 1), "upper": (1, 1), "trim": (1, 1), "replace": (3, 3), "substr": (2, 3), "left": (2, 2),
    "right": (2, 2), "coalesce": (1, 9), "concat": (1, 9), "nullif": (2, 2), "abs": (1, 1), "round": (1, 2),
    "greatest": (1, 9), "least": (1, 9), "col": (1, 1),
}  # fmt: skip
LONGEST = 500
WHOLE_NUMBERS = {"substr": (1, 2), "left": (1,), "right": (1,), "round": (1,)}


class ExpressionRefused(ValueError):
    """An expression says something that expressions cannot say."""


@dataclass(slots=True)
class Expression:
    """An expression as SQL of text, and the columns it reads."""

    text: str
    value: Callable[[str], str] = field(repr=False)
    """Gives the SQL of a column's text."""
    number: Callable[[str], str] = field(repr=False)
    """Gives the SQL of a text as a number."""
    columns: list[str] = field(default_factory=list)

    def sql(self) -> str:
        """Return the SQL. Raises ExpressionRefused."""
        if len(self.text) > LONGEST:
            raise ExpressionRefused(f"has more than {LONGEST} characters")
        try:
            tree = ast.parse(self.text.strip(), mode="eval").body
            kind, sql = self._of(tree)
        except ExpressionRefused:
            raise
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            raise ExpressionRefused("is no expression; write for example `subtotal + shipping`") from None
        return f"({sql})::VARCHAR" if kind == "number" else sql

    def _of(self, node: ast.expr) -> tuple[str, str]:
        if isinstance(node, ast.Constant):
            return self._constant(node)
        if isinstance(node, ast.Name):
            return "text", self._column(node.id)
        if isinstance(node, ast.BinOp) and type(node.op) in OPERATORS:
            return "number", self._arithmetic(node)
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
            return "number", f"(-{self._number(node.operand)})"
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and not node.keywords:
            return self._call(node.func.id, node.args)
        raise ExpressionRefused(
            f"`{ast.unparse(node)[:40]}` cannot stand here; there are columns, numbers, texts, + - * /"
        )

    def _constant(self, node: ast.Constant) -> tuple[str, str]:
        if isinstance(node.value, str):
            return "text", quoted(node.value)
        if isinstance(node.value, int | float) and not isinstance(node.value, bool):
            digits = repr(node.value)
            if re.fullmatch(r"\d{1,15}([.]\d{1,9})?", digits):
                return "number", digits
        raise ExpressionRefused("a constant is a text in quotes or a plain number")

    def _column(self, name: str) -> str:
        self.columns.append(name)
        return self.value(name)

    def _number(self, node: ast.expr) -> str:
        kind, sql = self._of(node)
        return sql if kind == "number" else self.number(sql)

    def _arithmetic(self, node: ast.BinOp) -> str:
        left, right = self._number(node.left), self._number(node.right)
        if isinstance(node.op, ast.Div):
            right = f"nullif({right}, 0)"
        # Each step is brought back to the width of money: DuckDB's decimals only grow.
        return f"TRY_CAST({left} {OPERATORS[type(node.op)]} {right} AS DECIMAL(18,4))"

    def _call(self, name: str, given: list[ast.expr]) -> tuple[str, str]:
        least, most = ARITY.get(name, (0, -1))
        if not least <= len(given) <= most:
            known = ", ".join(sorted(ARITY))
            raise ExpressionRefused(f"no function {name} of {len(given)} arguments; there are {known}")
        if name == "col":
            if not (isinstance(given[0], ast.Constant) and isinstance(given[0].value, str)):
                raise ExpressionRefused('col takes the name of a column in quotes: col("Order date")')
            return "text", self._column(given[0].value)
        whole = WHOLE_NUMBERS.get(name, ())
        if name in NUMBER_FUNCTIONS:
            return (
                "number",
                f"{name}({', '.join(self._argument(n, each, whole, 'number') for n, each in enumerate(given))})",
            )
        return "text", f"{name}({', '.join(self._argument(n, each, whole, 'text') for n, each in enumerate(given))})"

    def _argument(self, nth: int, node: ast.expr, whole: tuple[int, ...], wanted: str) -> str:
        if nth in whole:
            if isinstance(node, ast.Constant) and isinstance(node.value, int) and 0 <= node.value <= 10_000:
                return str(int(node.value))
            raise ExpressionRefused("a place or length is a plain whole number")
        if wanted == "number":
            return self._number(node)
        kind, sql = self._of(node)
        return f"({sql})::VARCHAR" if kind == "number" else sql
