"""Which columns a column of a source's SQL is computed from, read off the statements that the extraction runs.

As in trace.py only what a value is made of counts, not what rows are chosen or joined by.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import sqlglot
from sqlglot import exp

from pipeline.lineage.trace import NOTHING, Sources
from shared.errors import Internal

Columns = dict[str, Sources]
"""The columns of a relation, each with what it is made of."""
Listed = list[tuple[str, Sources]]
"""The same in the order of a SELECT, where a name may stand twice: the branches of a UNION are told by their place."""
ROWID = "rowid"


class SqlNotFollowed(Internal):
    """A statement of a source says something that lineage does not understand."""

    reason = "SQL_NOT_FOLLOWED"


@dataclass(frozen=True, slots=True)
class Relations:
    """What statements can select from: given tables, and what earlier statements made."""

    known: dict[str, Columns] = field(default_factory=dict)

    def run(self, statements: Iterable[str]) -> None:
        """Take in statements of the form CREATE … name AS query, or CREATE … name (columns) for an empty table."""
        for statement in statements:
            made = _parsed(statement)
            if not isinstance(made, exp.Create):
                raise SqlNotFollowed(f"{type(made).__name__} makes no table, so there is nothing to follow")
            if isinstance(made.this, exp.Schema):
                self.known[made.this.this.name] = {each.name: NOTHING for each in made.this.expressions}
            else:
                self.known[made.this.name] = dict(_query(made.expression, self.known))

    def columns(self, query: str) -> Columns:
        """Return the columns of a query. Raises SqlNotFollowed."""
        return dict(_query(_parsed(query), self.known))


def _parsed(sql: str) -> exp.Expr:
    try:
        return sqlglot.parse_one(sql, read="duckdb")
    except sqlglot.errors.ParseError as error:
        raise SqlNotFollowed(f"a statement of the source cannot be parsed: {error.errors[:1]}") from error


def _query(query: exp.Expr | None, known: Mapping[str, Columns]) -> Listed:
    if isinstance(query, exp.Query):
        known = dict(known)
        for part in query.ctes:
            known[part.alias] = dict(_query(part.this, known))
    match query:
        case exp.Subquery():
            return _query(query.this, known)
        case exp.SetOperation():
            return _united(_query(query.left, known), _query(query.right, known), bool(query.args.get("by_name")))
        case exp.Select():
            return _Scope(query, known).columns()
        case _:
            raise SqlNotFollowed(f"{type(query).__name__} is no query that lineage can follow")


def _united(left: Listed, right: Listed, by_name: bool) -> Listed:
    if by_name:
        one, other = dict(left), dict(right)
        return [(name, one.get(name, NOTHING) | other.get(name, NOTHING)) for name in {**one, **other}]
    return [(name, one | other) for (name, one), (_, other) in zip(left, right, strict=True)]


class _Scope:
    """What the expressions of one SELECT can name."""

    def __init__(self, select: exp.Select, known: Mapping[str, Columns]) -> None:
        self.select, self.known = select, known
        self.members: dict[str, Columns] = {}
        self.merged: set[str] = set()
        self.made: Columns = {}
        start = select.args.get("from_") or select.args.get("from")
        if start is not None:
            self._add(start.this)
        for join in select.args.get("joins") or ():
            self.merged |= {each.name for each in join.args.get("using") or ()}
            if join.kind not in {"ANTI", "SEMI"}:
                self._add(join.this)

    def columns(self) -> Listed:
        """Return what the SELECT gives."""
        listed: Listed = []
        for each in self.select.expressions:
            found = self._selected(each)
            listed += found
            self.made |= found
        return listed

    def _selected(self, each: exp.Expr) -> Listed:
        if isinstance(each, exp.Star):
            return list(self._star(each, self.members).items())
        if isinstance(each, exp.Column) and isinstance(each.this, exp.Star):
            return list(self._star(each.this, {each.table: self.members[each.table]}).items())
        return [(each.name if isinstance(each, exp.Column) else each.alias, self._value(each))]

    def _add(self, member: exp.Expr) -> None:
        if isinstance(member, exp.Values):
            names = [each.name for each in member.args["alias"].columns]
            self.members[member.alias] = dict.fromkeys(names, NOTHING)
        elif isinstance(member, exp.Table):
            if member.name not in self.known:
                raise SqlNotFollowed(f"a statement of the source selects from {member.name}, which is not declared")
            self.members[member.alias_or_name] = self.known[member.name]
        else:
            self.members[member.alias or f"subquery {len(self.members)}"] = dict(_query(member, self.known))

    def _star(self, star: exp.Star, members: Mapping[str, Columns]) -> Columns:
        left_out = {each.name for each in star.args.get("except_") or star.args.get("except") or ()}
        names = dict.fromkeys(name for columns in members.values() for name in columns if name not in left_out)
        return {name: _all(columns[name] for columns in members.values() if name in columns) for name in names}

    def _value(self, value: exp.Expr) -> Sources:
        match value:
            case exp.Column():
                return self._column(value.name, value.table)
            case exp.Count(this=exp.Star()):
                return frozenset(
                    (table, "") for columns in self.members.values() for table, _ in _all(columns.values())
                )
            case exp.Subquery():
                return _all(sources for _, sources in _query(value, self.known))
            case exp.Window(alias=str(name)) if name:
                return self._values([value.this, *self._named_window(name)])
            case _:
                return self._values(value.iter_expressions())

    def _values(self, values: Iterable[exp.Expr]) -> Sources:
        return _all(self._value(each) for each in values)

    def _named_window(self, name: str) -> Sequence[exp.Expr]:
        named = (each for each in self.select.args.get("windows") or () if each.name == name)
        return next((each.args.get("partition_by") or [] for each in named), [])

    def _column(self, name: str, member: str) -> Sources:
        if name == ROWID:
            return NOTHING
        if member:
            return self.members[member][name]
        found = [columns[name] for columns in self.members.values() if name in columns]
        if not found and name in self.made:
            return self.made[name]
        if not found or (len(found) > 1 and name not in self.merged):
            where = "several tables" if found else "no table"
            raise SqlNotFollowed(f"column {name} of a statement of the source is in {where}")
        return _all(found)


def _all(parts: Iterable[Sources]) -> Sources:
    return frozenset[tuple[str, str]]().union(*parts)
