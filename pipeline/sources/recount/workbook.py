"""The cells of an .xlsx file, taken from its XML: text as it is, numbers as numbers (moments as days since 1900)."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO
from xml.etree import ElementTree as Xml

MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
LINK = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
WORKBOOK, LINKS, TEXTS = "xl/workbook.xml", "xl/_rels/workbook.xml.rels", "xl/sharedStrings.xml"
Cells = dict[int, str]
"""Text of the filled cells of a row, by column, counted from 0."""


def sheets(path: Path) -> Iterator[tuple[str, Iterator[tuple[int, Cells]]]]:
    """Yield name and rows of each sheet of a workbook; a row is its number in the sheet and its cells."""
    with zipfile.ZipFile(path) as archive:
        texts = _texts(archive) if TEXTS in archive.namelist() else []
        links = {each.get("Id"): each.get("Target", "") for each in _parsed(archive, LINKS).iter() if each.get("Id")}
        for sheet in _parsed(archive, WORKBOOK).iter(f"{MAIN}sheet"):
            target = links[sheet.get(LINK)].removeprefix("/xl/").removeprefix("xl/")
            with archive.open(f"xl/{target}") as file:
                yield sheet.get("name", ""), _rows(file, texts)


def _parsed(archive: zipfile.ZipFile, name: str) -> Xml.Element:
    # What entities may grow to is bounded by expat itself.
    return Xml.fromstring(archive.read(name))  # noqa: S314


def _texts(archive: zipfile.ZipFile) -> list[str]:
    return [_text(each) for each in _parsed(archive, TEXTS).iter(f"{MAIN}si")]


def _text(element: Xml.Element) -> str:
    """Return the text of an element in all its runs, without how it is pronounced."""
    runs = [*element.findall(f"{MAIN}t"), *element.findall(f"{MAIN}r/{MAIN}t")]
    return "".join(run.text or "" for run in runs)


def _rows(file: IO[bytes], texts: list[str]) -> Iterator[tuple[int, Cells]]:
    number = 0
    for _, row in Xml.iterparse(file):  # noqa: S314
        if row.tag != f"{MAIN}row":
            continue
        number = int(row.get("r") or number + 1)
        cells: Cells = {}
        place = -1
        for cell in row.iter(f"{MAIN}c"):
            place = _column(cell.get("r") or "", place + 1)
            value = _value(cell, texts)
            if value:
                cells[place] = value
        row.clear()
        if cells:
            yield number, cells


def _column(reference: str, otherwise: int) -> int:
    """Return the number of a cell's column by its name: B7 is in column 1."""
    letters = re.match(r"[A-Z]*", reference)
    number = 0
    for letter in letters[0] if letters else "":
        number = number * 26 + ord(letter) - ord("A") + 1
    return number - 1 if number else otherwise


def _value(cell: Xml.Element, texts: list[str]) -> str:
    kind, value = cell.get("t", "n"), cell.findtext(f"{MAIN}v") or ""
    if kind == "s":
        return texts[int(value)]
    if kind == "inlineStr":
        inline = cell.find(f"{MAIN}is")
        return "" if inline is None else _text(inline)
    if kind == "n" and value:
        number = float(value)
        return str(int(number)) if number.is_integer() else repr(number)
    return value
