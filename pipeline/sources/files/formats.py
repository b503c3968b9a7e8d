"""How a file is written: its kind by its name, and what the name does not tell."""

from __future__ import annotations

import gzip
import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, cast

from pipeline.sources.source import SourceUnreadable

Kind = Literal["csv", "jsonl", "xlsx", "parquet"]
ENDINGS: dict[str, Kind] = {
    ".csv": "csv",
    ".tsv": "csv",
    ".txt": "csv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".xlsx": "xlsx",
    ".parquet": "parquet",
}
KINDS: tuple[str, ...] = ("csv", "jsonl", "xlsx", "parquet")
SAMPLE_BYTES = 1024 * 1024


@dataclass(frozen=True, slots=True)
class FileFormat:
    """What must be known of a text file before it can be read; empty: found out from its beginning."""

    encoding: str = ""
    delimiter: str = ""
    sheet: str = ""
    """Name of the one sheet to read; empty: every sheet with the header of the first."""


def kind_of(path: Path) -> Kind | None:
    """Return the kind a file's name stands for, gzipped text included; None where it stands for none."""
    name = path.name.lower()
    if name.endswith(".gz"):
        inner = ENDINGS.get(Path(name.removesuffix(".gz")).suffix)
        return inner if inner in ("csv", "jsonl") else None
    return ENDINGS.get(path.suffix.lower())


def text_lines(path: Path, encoding: str) -> Iterator[str]:
    """Yield the physical lines of a text file, gzipped or not; bytes that are no text come as lone surrogates."""
    with _bytes(path) as raw, io.TextIOWrapper(raw, encoding, errors="surrogateescape", newline="") as text:
        yield from text


def encoding_of(path: Path) -> str:
    """Return the encoding of a text file by its beginning: UTF-8 unless a mark or foreign bytes say otherwise."""
    with _bytes(path) as raw:
        sample = raw.read(SAMPLE_BYTES)
    if sample.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16"
    if sample.startswith(b"\xef\xbb\xbf"):
        return "utf-8-sig"
    # One bad line does not make a file another encoding's: only where foreign bytes are as common as UTF-8 ones.
    lines = [line for line in sample.split(b"\n")[:-1] or [sample] if not line.isascii()]
    foreign = sum(not _is_utf8(line) for line in lines)
    return "cp1252" if foreign * 2 > len(lines) else "utf-8"


def delimiter_of(header: str) -> str:
    """Return the delimiter that a header line uses most."""
    return max(",;\t|", key=header.count)


def _is_utf8(line: bytes) -> bool:
    try:
        line.decode()
    except UnicodeDecodeError:
        return False
    return True


def _bytes(path: Path) -> io.BufferedReader:
    try:
        if path.name.lower().endswith(".gz"):
            return cast("io.BufferedReader", gzip.open(path, "rb"))
        return path.open("rb")
    except OSError as error:
        raise SourceUnreadable(f"{path} cannot be opened: {error.strerror}; check its permissions") from error
