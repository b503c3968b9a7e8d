"""Values cast to the contract: what counts as a number, a day or a flag is said here, not by each engine.

Left to themselves DuckDB takes `1_000`, `0x10` and `inf` (a date!), Spark `1d`, `2017-06` and `10:00:00` (today); one
rounds 1.5 to an integer, the other cuts it. Here text must look like what it is to become, and a number that is not
whole becomes no integer: null, as everything else that cannot be cast.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import ibis

from shared.tables.types import decimal_of, ibis_type

if TYPE_CHECKING:
    import ibis.expr.types as ir

INTEGERS = ("SMALLINT", "INT", "BIGINT")
MOMENT_FORMAT = "%Y-%m-%d %H:%M:%S.%f"

_BLANK = "[ \t\r\n]*"
_WHOLE = f"^{_BLANK}([+-]?[0-9]+)(?:[.]0*)?{_BLANK}$"
_FIGURES = "[+-]?(?:[0-9]+[.]?[0-9]*|[.][0-9]+)(?:[eE][+-]?[0-9]{1,3})?"
_NUMBER = f"^{_BLANK}({_FIGURES}){_BLANK}$"
# Not a number and infinity are floats too: what they may not be is for the rules to say, by name.
_REAL = f"^{_BLANK}({_FIGURES}|[Nn][Aa][Nn]|[+-]?[Ii][Nn][Ff](?:[Ii][Nn][Ii][Tt][Yy])?){_BLANK}$"
_FLAG = f"^{_BLANK}([Tt][Rr][Uu][Ee]|[Ff][Aa][Ll][Ss][Ee]|[Yy][Ee][Ss]|[Nn][Oo]|[TtFfYyNn01]){_BLANK}$"
_DAY = "[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}"
_CLOCK = "(?:[01]?[0-9]|2[0-3]):[0-5][0-9](?::[0-5][0-9](?:[.][0-9]{1,9})?)?"
_ZONE = " ?(?:Z|UTC|[+-][0-9]{2}(?::?[0-9]{2})?)"
_MOMENT = f"^{_BLANK}({_DAY}(?:[ T]{_CLOCK}(?:{_ZONE})?)?){_BLANK}$"
_LOOKS = {"DOUBLE": _REAL, "BOOLEAN": _FLAG, "DATE": _MOMENT, "TIMESTAMP": _MOMENT}


def cast_to(value: ir.Value, kind: str) -> ir.Value:
    """Return a value in a contract type, null where it cannot be or would be another number.

    Decimals are rounded half up; a float is taken for the shortest number that is written like it.
    """
    own = value.type()
    if kind == "VARCHAR":
        return text_of(value)
    if own.is_string():
        return _parsed(value, kind)
    if own.is_floating() and decimal_of(kind):
        return value.cast("string").try_cast(ibis_type(kind))
    if (own.is_floating() or own.is_decimal()) and kind in INTEGERS:
        return ibis.ifelse(value % 1 == 0, value, ibis.null(own)).try_cast(ibis_type(kind))
    if own.is_temporal() == (kind in ("DATE", "TIMESTAMP")):
        return value.try_cast(ibis_type(kind))
    return _parsed(text_of(value), kind)


def text_of(value: ir.Value) -> ir.StringValue:
    """Return a value as text; a moment without its zone, which is always UTC.

    Floats beyond 10⁷ or below 10⁻³ are written 1e+10 by DuckDB and 1.0E10 by Spark: the same number.
    """
    return value.strftime(MOMENT_FORMAT) if value.type().is_timestamp() else value.cast("string")


def _parsed(text: ir.StringValue, kind: str) -> ir.Value:
    looks = _WHOLE if kind in INTEGERS else _LOOKS.get(kind, _NUMBER)
    return text.re_extract(looks, 1).try_cast(ibis_type(kind))
