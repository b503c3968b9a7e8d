"""A first mapping for a folder of files: by names, synonyms of the contract and what the values look like.

Every line says how sure it is and why; what had to be left open says TODO, which the checker does not let through.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from pathlib import Path

from pipeline.sources.csv_mapping.checking import TODO, mappable
from pipeline.sources.csv_mapping.personal import CODE, EMAIL, NUMBER, TELEPHONE
from pipeline.sources.csv_mapping.sampling import Look, Sampled, SampledFile, sample
from pipeline.sources.csv_mapping.words import COLUMNS, TABLES, VALUES
from pipeline.sources.files import kind_of
from pipeline.sources.source import SourceUnreadable
from shared.tables import Column, Table

SURE, ENOUGH, TABLE_ENOUGH = 0.9, 0.6, 0.45
CONTAINED = 0.9
FITS: dict[str, tuple[Look, ...]] = {
    "VARCHAR": ("text", "whole", "country", "currency", "decimal", "flag", "day", "moment"),
    "SMALLINT": ("whole", "flag"),
    "INT": ("whole", "flag"),
    "BIGINT": ("whole", "flag"),
    "DOUBLE": ("decimal", "whole", "flag"),
    "BOOLEAN": ("flag",),
    "DATE": ("day", "moment"),
    "TIMESTAMP": ("moment", "day"),
}


@dataclass(frozen=True, slots=True)
class Guess:
    """A column of a file for a column of the contract."""

    column: Sampled
    score: float
    why: str


@dataclass(slots=True)
class TableGuess:
    """A file for a table of the contract."""

    table: Table
    file: SampledFile
    score: float
    columns: dict[str, Guess] = field(default_factory=dict)


def suggest(folder: Path) -> str:
    """Return a mapping file for the files of a folder, as text. Raises SourceUnreadable."""
    if not folder.is_dir():
        raise SourceUnreadable(f"there is no folder {folder}")
    files = [sample(path) for path in sorted(folder.iterdir()) if path.is_file() and kind_of(path)]
    if not files:
        raise SourceUnreadable(f"{folder} has no .csv, .csv.gz, .jsonl, .xlsx or .parquet file")
    kinds: dict[tuple[str, ...], list[SampledFile]] = {}
    for file in files:
        kinds.setdefault(file.header, []).append(file)
    guesses = _tables([same[0] for same in kinds.values()])
    _follow_keys(guesses)
    lines = [*_head(folder), *(line for guess in guesses for line in _table(guess, kinds[guess.file.header]))]
    taken = {guess.file.header for guess in guesses}
    for header, same in kinds.items():
        if header not in taken:
            lines.append(f"# {', '.join(each.path.name for each in same)}: fits no table; columns: {', '.join(header)}")
    return "\n".join(lines) + "\n"


def _head(folder: Path) -> Iterator[str]:
    name = re.sub(r"[^a-z0-9]+", "-", folder.resolve().name.lower()).strip("-") or "shop"
    yield f"# Proposed by `python -m pipeline csv-suggest {folder}`; read every line, decide each TODO."
    yield "version: 1"
    yield f"source: {name[:40]}"
    yield "time_zone: UTC  # of times without an offset; write an IANA name such as Europe/Berlin"
    yield "tables:"


def _tables(files: Sequence[SampledFile]) -> list[TableGuess]:
    """Return the best file for each table that has one; a file is used once."""
    guesses = [_guess(table, file) for file in files for table in mappable().values()]
    chosen: list[TableGuess] = []
    for guess in sorted(guesses, key=lambda each: -each.score):
        taken = any(guess.table.name == other.table.name or guess.file is other.file for other in chosen)
        if guess.score >= TABLE_ENOUGH and not taken:
            chosen.append(guess)
    order = list(mappable())
    return sorted(chosen, key=lambda each: order.index(each.table.name))


def _guess(table: Table, file: SampledFile) -> TableGuess:
    pairs = [
        (_score(table, column, given), column.name, given)
        for column in table.business_columns
        for given in file.columns
        if not _special(given)
    ]
    columns: dict[str, Guess] = {}
    taken: set[str] = set()
    for (score, why), target, given in sorted(pairs, key=lambda pair: -pair[0][0]):
        if score >= ENOUGH and target not in columns and given.name not in taken:
            columns[target] = Guess(given, score, why)
            taken.add(given.name)
    needed = [column.name for column in table.business_columns if not column.nullable]
    found = sum(columns[name].score for name in needed if name in columns) / len(needed)
    key = sum(name in columns for name in table.key) / len(table.key)
    return TableGuess(table, file, 0.5 * _file_score(table, file) + 0.3 * found + 0.2 * key, columns)


def _file_score(table: Table, file: SampledFile) -> float:
    name = re.sub(r"\d+", " ", file.path.name.split(".")[0])
    return max(_alike(_words(name), _words(word)) for word in (table.name, *TABLES.get(table.name, ())))


def _score(table: Table, column: Column, given: Sampled) -> tuple[float, str]:
    if given.look == "empty":
        fits = 0.9
    elif column.name.endswith("country") or column.name == "currency_code":
        fits = 1.0 if given.look in ("country", "currency", "text") else 0.3
    else:
        fits = 1.0 if given.look in FITS.get(column.type.split("(")[0], ("decimal", "whole", "flag")) else 0.3
    words = _words(given.name)
    # `id` and `name` alone are those of the file's own table.
    own = [f"{table.name} {words}", words] if words in ("id", "nr", "no", "number", "key") else [words]
    if own[0] != words and column.name == table.key[0]:
        return 0.9 * fits, f"{given.name} is the key by its name"
    names = (column.name, *column.synonyms, *COLUMNS.get(column.name, ()))
    score, best = max((_alike(words, _words(name)) - 0.02 * bool(nth), name) for nth, name in enumerate(names))
    if column.name in table.key and len(table.key) == 1 and not given.is_unique:
        return score * fits * 0.6, f"like {best}, but its values repeat"
    return score * fits, f"like {best}, values look like {given.look}"


def _follow_keys(guesses: Sequence[TableGuess]) -> None:
    """Where all values of a column are keys of another table's file, its name matters less."""
    keys = {
        guess.table.key[0]: guess
        for guess in guesses
        if len(guess.table.key) == 1 and guess.table.key[0] in guess.columns
    }
    for guess in guesses:
        used = {each.column.name for each in guess.columns.values()}
        for reference in guess.table.references:
            other = keys.get(reference.target_column)
            if reference.column in guess.columns or other is None or other is guess:
                continue
            there = set(other.columns[reference.target_column].column.values)
            fitting = [c for c in guess.file.columns if c.name not in used and not _special(c) and _within(c, there)]
            if len(fitting) == 1:
                key = other.columns[reference.target_column].column.name
                why = f"its values are those of {other.file.path.name}'s {key}"
                guess.columns[reference.column] = Guess(fitting[0], 0.7, why)
                used.add(fitting[0].name)


def _within(column: Sampled, there: set[str]) -> bool:
    values = set(column.values)
    return len(values) > 1 and len(values & there) >= CONTAINED * len(values)


def _table(guess: TableGuess, files: Sequence[SampledFile]) -> Iterator[str]:
    columns = [each.column for each in guess.columns.values()]
    yield f"  {guess.table.name}:  # {guess.score:.2f} by file name and columns"
    yield f"    file: {_text(_glob([each.path for each in files]))}"
    if guess.file.delimiter not in ("", ","):
        yield f"    delimiter: {_text(guess.file.delimiter)}"
    if guess.file.encoding not in ("", "utf-8"):
        yield f"    encoding: {guess.file.encoding}"
    if any(column.decimal == "," for column in columns):
        yield '    decimal: ","'
        if any("." in value for column in columns if column.decimal == "," for value in column.values):
            yield '    thousands: "."'
    yield "    columns:"
    for column in guess.table.business_columns:
        yield from (f"      {line}" for line in _column(column, guess))
    used = {each.column.name for each in guess.columns.values()}
    left = [given for given in guess.file.columns if given.name not in used]
    special = [each for each in left if _tokens(each, guess.table)]
    rest = [each for each in left if each not in special]
    yield "    ignore:" + ("" if rest else " []")
    for given in rest:
        yield f"      - {_text(given.name)}{_why_ignored(given)}"


def _column(column: Column, guess: TableGuess) -> Iterator[str]:
    found = guess.columns.get(column.name)
    if found is None:
        special = next((c for c in guess.file.columns if column.name in _tokens(c, guess.table)), None)
        if special is not None:
            kind = "email" if column.name.startswith("email") else "card"
            yield f"{column.name}: {{{kind}: {_text(special.name)}}}  # 0.95 never as it is"
        elif column.name == "line_number" and "order_id" in guess.columns:
            yield f"line_number: {{nth_in: {_text(guess.columns['order_id'].column.name)}}}  # 0.80 no column; counted"
        elif not column.nullable:
            choices = f"; one of {', '.join(column.choices)}" if column.choices else ""
            yield f"{column.name}: {{const: {TODO}}}  # {column.description}{choices}"
        return
    sure = "" if found.score >= SURE else " CHECK"
    yield f"{column.name}: {_origin(column, found.column)}  # {min(found.score, 0.99):.2f}{sure} {found.why}"


def _origin(column: Column, given: Sampled) -> str:
    parts = {"column": _text(given.name)}
    if column.choices:
        parts["map"] = _choices(column.choices, given.values)
    if column.type in ("TIMESTAMP", "DATE") and given.date_format:
        parts["date_format"] = _text(given.date_format)
    parts = {key: value for key, value in parts.items() if value}
    if len(parts) == 1:
        return parts["column"]
    return "{" + ", ".join(f"{key}: {value}" for key, value in parts.items()) + "}"


def _choices(choices: Sequence[str], values: Sequence[str]) -> str:
    pairs = []
    for value in sorted(set(values))[:30]:
        if value.lower() in choices:
            continue
        words = _words(value)
        near = next((c for c in choices if words == _words(c) or words in map(_words, VALUES.get(c, ()))), TODO)
        pairs.append(f"{_text(value)}: {near}")
    return "{" + ", ".join(pairs) + "}" if pairs else ""


def _special(given: Sampled) -> bool:
    spaced = given.name.replace("_", " ")
    patterns = (CODE, NUMBER, TELEPHONE, EMAIL)
    return given.look == "email" or any(p.search(given.name) or p.search(spaced) for p in patterns)


def _tokens(given: Sampled, table: Table) -> tuple[str, ...]:
    """Return the columns of the contract that a token of this column goes to."""
    names = table.column_names
    if (given.look == "email" or EMAIL.search(given.name)) and "email_hmac" in names:
        return "email_masked", "email_hmac"
    if NUMBER.search(given.name.replace("_", " ")) and "card_token" in names:
        return "card_token", "card_bin", "card_last4", "card_brand"
    return ()


def _why_ignored(given: Sampled) -> str:
    if _special(given):
        return "  # personal or card data that the contract has no place for"
    return "  # nothing in the contract like it" + (", and empty" if given.look == "empty" else "")


def _glob(paths: Sequence[Path]) -> str:
    if len(paths) == 1:
        return paths[0].name
    names = [path.name for path in paths]
    start = next(
        (names[0][:n] for n in range(len(names[0]), -1, -1) if all(x.startswith(names[0][:n]) for x in names)), ""
    )
    end = next(
        (names[0][n:] for n in range(len(start), len(names[0])) if all(x.endswith(names[0][n:]) for x in names)), ""
    )
    return f"{start}*{end}"


def _words(name: str) -> str:
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", name)
    words = re.sub(r"[^0-9a-zäöüß]+", " ", spaced.lower()).split()
    return " ".join(word.removesuffix("s") if len(word) > 3 else word for word in words)


def _alike(one: str, other: str) -> float:
    if one == other or one.replace(" ", "") == other.replace(" ", ""):
        return 1.0
    first, second = set(one.split()), set(other.split())
    shared = len(first & second) / len(first | second) if first | second else 0.0
    letters = SequenceMatcher(None, one, other, autojunk=False).ratio()
    contained = 0.75 if second and second <= first else 0.0
    return max(0.9 * shared, 0.85 * letters, contained)


def _text(value: str) -> str:
    """Return a text as YAML: plain where that is safe, else in quotes."""
    plain = re.fullmatch(r"[A-Za-z][A-Za-z0-9_.-]*", value)
    reserved = value.lower() in ("true", "false", "yes", "no", "on", "off", "null", "y", "n")
    return value if plain and not reserved else json.dumps(value, ensure_ascii=False)
