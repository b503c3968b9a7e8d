"""The second reading of files finds what the importers' reading finds, broken lines included."""

from __future__ import annotations

import gzip
from pathlib import Path

import duckdb
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pipeline.sources.files import FileFormat, open_rows
from pipeline.sources.files.csv_records import csv_records
from pipeline.sources.recount import parts
from pipeline.sources.recount.csv_text import rows
from tests.unit.pipeline.sources.workbook import write_workbook

Rows = list[tuple[int, list[str] | None]]


def lines_of(text: str) -> list[str]:
    return text.splitlines(keepends=True)


def again(text: str) -> Rows:
    return [(number, None if fields is None else list(fields)) for number, fields in rows(lines_of(text), ";")]


def imported(text: str) -> Rows:
    found: Rows = []
    read = list(csv_records(iter(lines_of(text)), ";", lambda line, _: found.append((line, None))))
    return sorted([*found, *read], key=lambda row: row[0])


@given(st.text(st.sampled_from('ab";\n'), max_size=60))
@example('a;b\n1;"lone\n2;x\n3;y\n')
@example('a;b\n"x"y;1\n"p\nq";2\n')
@example('a;b\n"1\n2\n";"3\n4;"5\n6;7\n')
def test_records_and_broken_lines_are_those_that_the_importers_tell_apart(text: str) -> None:
    assert sorted(again(text), key=lambda row: row[0]) == imported(text)


def test_a_field_longer_than_any_is_and_a_line_that_is_no_text_cost_their_line() -> None:
    text = "a;b\n1;" + "x" * 131_073 + '\n2;\udcff\n3;\0\n4;"' + "y\n" * 100_000 + "5;z\n"
    broken = [number for number, fields in again(text) if fields is None]
    assert broken == [number for number, fields in imported(text) if fields is None]
    assert broken[:4] == [2, 3, 4, 5]
    assert again(text)[-1] == (100_005, ["5", "z"])


HEADER, LINES = ["Nr", "Name", "Worth"], [["7", 'Groß, "J"', "1.5"], ["8", "Ann", ""]]


@pytest.mark.parametrize("name", ["a.csv", "a.csv.gz", "a.jsonl", "a.xlsx", "a.parquet"])
def test_every_kind_of_file_is_read_as_the_importers_read_it(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    text = 'Nr,Name,Worth\n7,"Groß, ""J""",1.5\n8,Ann,\n'
    if name.endswith(".gz"):
        path.write_bytes(gzip.compress(text.encode()))
    elif name.endswith(".xlsx"):
        write_workbook(path, {"one": [HEADER, [7, 'Groß, "J"', 1.5], [8, "Ann"]], "other": [["x"], ["y"]]})
    elif name.endswith(".parquet"):
        duckdb.sql(f"COPY (FROM (VALUES (7, 'Groß, \"J\"', 1.5), (8, 'Ann', NULL)) t(Nr, Name, Worth)) TO '{path}'")
    elif name.endswith(".jsonl"):
        path.write_text('{"Nr": 7, "Name": "Groß, \\"J\\"", "Worth": 1.5}\n{"Nr": 8, "Name": "Ann"}\n')
    else:
        path.write_text(text)
    (mine,) = [(part.header, [list(fields or ()) for _, fields in part.rows]) for part in parts(path, FileFormat())]
    (theirs,) = [(part.header, list(part.batches)) for part in open_rows(path, FileFormat(), print)]
    read = [[row[column] or "" for column in theirs[0]] for batch in theirs[1] for row in batch.to_pylist()]
    assert mine == (theirs[0], read) == (tuple(HEADER), LINES)
