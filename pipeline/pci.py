"""What leaves a shop's database and what does not: card data and persons are made unrecognisable on the way to raw.

Each column gets one action, by its name and by whether the contract knows it:

- a card number becomes `card_token`, `card_bin`, `card_last4` and `card_brand`;
- a CVV, PIN or track is dropped, and each row that has one is reported;
- an e-mail address becomes `email_masked` and `email_hmac`; a postal address becomes an HMAC;
- columns that tell who a person is are dropped, so are unknown ones that look like card data (reported);
- an id of the contract that is a card number, or has one in it, becomes an HMAC, the same wherever the id stands
  (reported);
- card numbers in any other text are taken out of it (reported); so is a number that is one.

A report names the table, the column and the row's key, never the value.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from types import MappingProxyType

import pyarrow as pa
import pyarrow.compute as pc

from shared import work
from shared.errors import FailedPrecondition
from shared.pans import QUICK, SHORTEST, digits_of, is_pan, pans, without_pans
from shared.tables import Table
from shared.tokenise import Tokeniser


class Action(Enum):
    """What becomes of a column."""

    ID = "id"
    """Kept; a value that is a card number becomes an HMAC."""
    TEXT = "text"
    """Kept; card numbers are taken out."""
    CARD = "tokenise"
    EMAIL = "mask"
    ADDRESS = "hash"
    DROP = "drop"
    FORBIDDEN = "drop and report"


@dataclass(frozen=True, slots=True)
class Violation:
    """Card data where none may be: which column, what, and which rows of the batch."""

    column: str
    kind: str
    rows: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Cleaned:
    """Columns that may be kept, and what was found in those that came."""

    columns: dict[str, pa.Array]
    violations: tuple[Violation, ...] = ()


CARD_NUMBER = re.compile(r"(^|_)(card|cc)_?(number|no|num|nr|pan)$|(^|_)pan$")
SECRET = re.compile(
    r"(^|_)(cvv2?|cvc2?|cvn|csc|cav2?|pin|pin_?block|security_code|verification_(code|value)|magstripe|track_?[123]?(_data)?)($|_)"
)
CARD_LIKE = re.compile(r"card|(^|_)cc(_|$)|(^|_)pan(_|$)")
PERSONAL = re.compile(
    r"e_?mail|phone|mobile|(^|_)(fax|tel)($|_)|address|street|(^|_)zip|postal|post_?code|birth|(^|_)dob($|_)"
    r"|(first|last|full|given|family|middle|maiden|sur|holder|recipient|user|nick|contact|customer)_?name|ssn|social_security"
    r"|tax_?(id|number)|passport|national_id|licen[cs]e|iban|account_(number|no)|routing|password|passwd|secret|token|api_?key"
    r"|(^|_)salt($|_)|(^|_)ip(_|$)|latitude|longitude|gender|signature"
)
"""Unknown columns of such names are dropped; the contract's own are kept, whatever their name."""
EXPECTED = frozenset({"card_expiry", "card_holder"})
"""Card data that every shop keeps beside a payment: dropped, but nothing to report."""
ADDRESSES: Mapping[str, tuple[str, tuple[str, ...]]] = MappingProxyType(
    {
        "payments": (
            "billing_address_hmac",
            ("billing_address_line1", "billing_address_line2", "billing_postal_code", "billing_country"),
        ),
        "shipments": ("address_hmac", ("address_line1", "address_line2", "postal_code", "destination_country")),
    }
)
"""Table → column of the contract, and the columns that make up the address it is the HMAC of."""
CARD_PARTS = ("card_token", "card_bin", "card_last4", "card_brand")
"""What is made of a card number."""
EMAIL_PARTS = ("email_masked", "email_hmac")
HEX_PAN = r"(?:3[0-9](?:20|2d)?){13}"
CARD_DIGITS = range(12, 20)


def action_of(table: Table, column: str) -> Action:
    """Return what becomes of a column of a source's table."""
    if any(each.name == column for each in table.business_columns):
        ids = {*table.key, *(reference.column for reference in table.references)}
        return Action.ID if column in ids else Action.TEXT
    return _of_unknown(table, column)


def _of_unknown(table: Table, column: str) -> Action:
    name = re.sub(r"[^a-z0-9]+", "_", re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", column).lower())
    if SECRET.search(name):
        return Action.FORBIDDEN
    if CARD_NUMBER.search(name):
        return Action.CARD if "card_token" in table.column_names else Action.FORBIDDEN
    if name == "email" and "email_hmac" in table.column_names:
        return Action.EMAIL
    if column in ADDRESSES.get(table.name, ("", ()))[1]:
        return Action.ADDRESS
    if CARD_LIKE.search(name) and column not in EXPECTED:
        return Action.FORBIDDEN
    return Action.DROP if column in EXPECTED or PERSONAL.search(name) else Action.TEXT


def card_columns(table: Table, columns: Iterable[str]) -> tuple[str, ...]:
    """Return the columns that hold, or look as if they held, card numbers or CVVs."""
    return tuple(c for c in columns if action_of(table, c) in {Action.CARD, Action.FORBIDDEN})


@dataclass(slots=True)
class Guard:
    """Cleans the rows of one extraction; remembers tokens, as the same card pays many orders."""

    tokeniser: Tokeniser
    _known: dict[str, tuple[str | None, ...]] = field(default_factory=dict, repr=False)

    def clean(self, table: Table, columns: Mapping[str, pa.Array]) -> Cleaned:
        """Return what may be kept of rows given by column, and where card data stood.

        The columns must have the types they are kept in.
        """
        kept: dict[str, pa.Array] = {}
        made: dict[str, pa.Array] = {}
        found: list[Violation] = []
        actions = {name: action_of(table, name) for name in columns}
        for name, values in columns.items():
            if actions[name] is Action.ID:
                kept[name] = self._id(name, values, found)
            elif actions[name] is Action.TEXT:
                known = name in table.column_names
                kept[name] = _text(name, values, found, known=known)
            elif actions[name] is Action.CARD:
                made |= self._cards(values)
            elif actions[name] is Action.EMAIL:
                made |= self._emails(values)
            elif actions[name] is Action.FORBIDDEN:
                _report(name, "forbidden_column", _filled(values), found)
        made |= self._address(table, columns)
        return Cleaned(kept | {n: _preferred(v, kept.get(n)) for n, v in made.items()}, tuple(found))

    def _id(self, name: str, values: pa.Array, found: list[Violation]) -> pa.Array:
        suspect = _suspects(values)
        if suspect is None:
            return values
        rows = tuple(row for row in suspect if _card_in_id(values[row].as_py()))
        _report(name, "card_number_as_id", rows, found)
        oldest = Tokeniser(dict([list(self.tokeniser.keys.items())[-1]]))  # an id must not change when keys rotate
        return _replaced(values, rows, lambda text: oldest.digest("id", _card_in_id(text)))

    def _cards(self, values: pa.Array) -> dict[str, pa.Array]:
        return self._each_once(values, CARD_PARTS, "pan", self._card)

    def _card(self, text: str) -> tuple[str | None, ...]:
        digits = digits_of(text)
        if len(digits) not in CARD_DIGITS:
            return (None,) * 4
        card = self.tokeniser.card(digits)
        return card.token, card.bin, card.last4, card.brand

    def _emails(self, values: pa.Array) -> dict[str, pa.Array]:
        return self._each_once(values, EMAIL_PARTS, "email", self.tokeniser.email)

    def _address(self, table: Table, columns: Mapping[str, pa.Array]) -> dict[str, pa.Array]:
        target, parts = ADDRESSES.get(table.name, ("", ()))
        lines = [columns[part].cast(pa.string()) for part in parts if part in columns]
        if not parts or parts[0] not in columns:
            return {}
        whole = pc.binary_join_element_wise(*(pc.fill_null(line, "") for line in lines), " ")
        whole = pc.if_else(pc.is_valid(columns[parts[0]]), whole, pa.scalar(None, pa.string()))
        return self._each_once(whole, (target,), "address", lambda text: (self.tokeniser.address(text),))

    def _each_once(
        self, values: pa.Array, names: Sequence[str], what: str, make: Callable[[str], tuple[str | None, ...]]
    ) -> dict[str, pa.Array]:
        """Return columns made of texts, each distinct text worked on once."""
        coded = pc.dictionary_encode(values.cast(pa.string()))
        made = [make(text) if text else (None,) * len(names) for text in coded.dictionary.to_pylist()]
        taken = zip(names, zip(*made, strict=True), strict=True) if made else ((name, ()) for name in names)
        return {name: pa.array(column, pa.string()).take(coded.indices) for name, column in taken}


def _preferred(made: pa.Array, given: pa.Array | None) -> pa.Array:
    return made if given is None or not pa.types.is_string(given.type) else pc.coalesce(made, given)


def _text(name: str, values: pa.Array, found: list[Violation], *, known: bool) -> pa.Array:
    if not pa.types.is_string(values.type):
        return values if known else _number(name, values, found)
    suspect = _suspects(values)
    if suspect:
        rows = tuple(row for row in suspect if _has_pan(values[row].as_py()))
        _report(name, "card_number_in_text", rows, found)
        values = _replaced(values, rows, without_pans)
    return values if known else _hex(name, values, found)


def _has_pan(text: str) -> bool:
    work.check()  # hostile text takes long, and its sender may have gone
    return bool(pans(text))


def _hex(name: str, values: pa.Array, found: list[Violation]) -> pa.Array:
    """Return texts without those that are bytes, written in hexadecimal digits, with a card number in them."""
    if not _longest(values) >= 2 * SHORTEST:
        return values
    rows = []
    for row in _where(pc.match_substring_regex(values, HEX_PAN)):
        text = values[row].as_py()
        try:
            if len(text) % 2 == 0 and pans(bytes.fromhex(text).decode("latin-1")):
                rows.append(row)
        except ValueError:
            continue
    _report(name, "card_number_in_bytes", rows, found)
    return _replaced(values, rows, lambda _: None)


def _number(name: str, values: pa.Array, found: list[Violation]) -> pa.Array:
    """Return numbers of a column nobody knows without those that are card numbers."""
    if not (pa.types.is_integer(values.type) or pa.types.is_decimal(values.type) or pa.types.is_floating(values.type)):
        return values
    large = _where(pc.greater_equal(values.cast(pa.float64(), safe=False), 10.0 ** (SHORTEST - 1)))
    rows = [row for row in large if is_pan(str(values[row].as_py()).partition(".")[0])]
    _report(name, "card_number_as_number", rows, found)
    return _replaced(values, rows, lambda _: None)


def _suspects(values: pa.Array) -> list[int] | None:
    """Return the rows whose text has digits enough for a card number, None where no row has."""
    if not pa.types.is_string(values.type) or _longest(values) < SHORTEST:
        return None
    return _where(pc.match_substring_regex(values, QUICK)) or None


def _longest(values: pa.Array) -> int:
    return pc.max(pc.binary_length(values)).as_py() or 0


def _where(mask: pa.Array) -> list[int]:
    rows: list[int] = pc.indices_nonzero(pc.fill_null(mask, False)).to_pylist()
    return rows


def _filled(values: pa.Array) -> list[int]:
    return _where(pc.not_equal(pc.utf8_trim_whitespace(values.cast(pa.string())), ""))


def _card_in_id(text: str) -> str:
    """Return what of an id is made an HMAC: the digits of a card number, or the text that holds one; empty: neither."""
    digits = digits_of(_plain(text))
    if is_pan(digits):
        return digits
    return text if _has_pan(text) else ""


def _plain(text: str) -> str:
    """Return a text if digits and what sets them apart is all there is in it."""
    return text if all(c.isdecimal() or c in " -./_" for c in text) else ""


def _report(column: str, kind: str, rows: Sequence[int], found: list[Violation]) -> None:
    if rows:
        found.append(Violation(column, kind, tuple(rows)))


def _replaced(values: pa.Array, rows: Sequence[int], by: Callable[[str], str | None]) -> pa.Array:
    if not rows:
        return values
    texts = values.to_pylist()
    for row in rows:
        texts[row] = by(texts[row])
    return pa.array(texts, values.type)


class CardDataInRaw(FailedPrecondition):
    """Raw files that somebody else wrote have columns for card numbers or CVVs."""

    reason = "CARD_DATA_IN_RAW"


def refuse_card_columns(table: Table, columns: Iterable[str], source: str) -> None:
    """Return if files of a table have no column for card data. Raises CardDataInRaw before a row is read."""
    found = card_columns(table, columns)
    if found:
        raise CardDataInRaw(
            f"raw {source}/{table.name} has columns for card data: {', '.join(sorted(found))}. Nothing was read. "
            "Remove them in the task that writes the files (AWS DMS: a transformation rule `remove-column`, see "
            "deploy/aws/dms-task.json), delete the files that hold them, and load again"
        )
