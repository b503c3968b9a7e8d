"""What must not reach raw as it is: card numbers, security codes, e-mail addresses, telephone numbers."""

# ruff: noqa: S608  the SQL is our own; names of columns are quoted

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import duckdb
from duckdb.func import FunctionNullHandling

from shared.errors import FailedPrecondition
from shared.pans import QUICK, digits_of, is_pan, without_pans
from shared.quoting import identifier, quoted
from shared.tokenise import Tokeniser

CODE = re.compile(r"\b(cvv|cvc|cvn|csc)\d?\b|(security|verification)[ _-]?code|pr(ü|ue)fziffer|kartenpr", re.IGNORECASE)
NUMBER = re.compile(
    r"(card|cc|kredit\w*|karten?|carte)[ _.-]?(no|nr|num|number|nummer|numero|pan)\b|\bpan\b|creditcard$|credit_card$",
    re.IGNORECASE,
)
TELEPHONE = re.compile(r"phone|telefon|\btel\b|mobile[ _-]?(no|nr|num)|handy|fax", re.IGNORECASE)
EMAIL = re.compile(r"e[-_ ]?mail(?!.*(mask|hmac|hash|opt|consent))", re.IGNORECASE)
ADDRESS = "[^@\\s]+@[^@\\s]+[.][^@\\s]+"
# RE2 writes a character by its number otherwise than Python does.
CANDIDATE = re.sub(r"\\u([0-9a-fA-F]{4})", r"\\x{\1}", QUICK)
MANY = 0.05
"""A column with so large a share of them is a column of them; a few in a text are taken out of it."""
TAKEN_OUT = "[card ****"
"""What `without_pans` puts in place of a card number begins so."""


class PciViolation(FailedPrecondition):
    """A column would bring card data into raw."""

    reason = "PCI_VIOLATION"


class PersonalData(FailedPrecondition):
    """A column would bring e-mail addresses into raw."""

    reason = "PERSONAL_DATA"


def refusal(column: str) -> str:
    """Return why a column of that name may not be mapped as it is; '' where it may."""
    spaced = column.replace("_", " ")
    if CODE.search(column) or CODE.search(spaced):
        return f"PCI: {column!r} is a card's security code by its name, which nobody may keep; put it under `ignore`"
    if NUMBER.search(column) or NUMBER.search(spaced):
        return f"PCI: {column!r} is a card number by its name; map it with {{card: {column}}} or put it under `ignore`"
    if TELEPHONE.search(spaced):
        return f"{column!r} is a telephone number by its name, and no table has a place for one; put it under `ignore`"
    if EMAIL.search(column):
        return f"{column!r} is an e-mail address by its name; map it with {{email: {column}}} or put it under `ignore`"
    return ""


def shielded(value: str) -> str:
    """Return SQL of a text without the card numbers in it."""
    return f"CASE WHEN regexp_matches({value}, {quoted(CANDIDATE)}) THEN without_pans({value}) ELSE {value} END"


def guard(connection: duckdb.DuckDBPyConnection, table: str, file: str, columns: Sequence[str]) -> None:
    """Refuse columns that consist of what must not go to raw as it is.

    Args:
        connection: where the table is.
        table: the loaded table; card numbers have been taken out of its texts.
        file: what to call it in an error.
        columns: its columns that are not tokens.

    Raises PciViolation, PersonalData.
    """
    for column in columns:
        filled, held, mails = _counted(connection, table, identifier(column))
        if mails > MANY * filled:
            raise PersonalData(
                f"{file}: column {column!r} holds e-mail addresses ({mails:,} of {filled:,} values); map it with"
                f" {{email: {column}}} or put it under `ignore`"
            )
        if held > MANY * filled:
            raise PciViolation(
                f"{file}: PCI: column {column!r} holds card numbers ({held:,} of {filled:,} values); map it with"
                f" {{card: {column}}} or put it under `ignore`"
            )


def _counted(connection: duckdb.DuckDBPyConnection, table: str, name: str) -> tuple[int, int, int]:
    taken, mail = f"contains({name}, {quoted(TAKEN_OUT)})", f"regexp_full_match(trim({name}), {quoted(ADDRESS)})"
    select = f"SELECT count({name}), count(*) FILTER ({taken}), count(*) FILTER ({mail}) FROM {table}"
    filled, held, mails = connection.execute(select).fetchone() or (0, 0, 0)
    return filled, held, mails


def make_known(connection: duckdb.DuckDBPyConnection, keys: Path | None) -> None:
    """Make `without_pans` and, where keys are given, the tokenising functions known to `connection`."""
    connection.create_function("without_pans", without_pans, ["VARCHAR"], "VARCHAR")
    if keys is None:
        return
    tokeniser = Tokeniser.load(keys)
    connection.create_function("email_masked", lambda text: tokeniser.email(text)[0], ["VARCHAR"], "VARCHAR")
    connection.create_function("email_hmac", lambda text: tokeniser.email(text)[1], ["VARCHAR"], "VARCHAR")
    connection.create_function("address_hmac", tokeniser.address, ["VARCHAR"], "VARCHAR")

    def part(name: str, text: str | None) -> str | None:
        # What is no card number, such as a token of the shop's own, has no part to keep.
        if text is None or not is_pan(digits_of(text)):
            return None
        found: str | None = getattr(tokeniser.card(text), name)
        return found

    for name in ("token", "bin", "last4", "brand"):
        connection.create_function(
            f"card_{name}", partial(part, name), ["VARCHAR"], "VARCHAR", null_handling=FunctionNullHandling.SPECIAL
        )
