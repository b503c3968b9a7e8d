"""What is said of the ASVS is said of tests that there are, and of requirements that it has."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

import pytest

from tests.contract import asvs

ROOT = Path(__file__).resolve().parents[2]


@cache
def names_in(path: str) -> frozenset[str]:
    """Return the names of the tests in a file."""
    tree = ast.parse((ROOT / path).read_text())
    functions = (one for one in ast.walk(tree) if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef))
    return frozenset(one.name for one in functions if one.name.startswith("test_"))


@pytest.mark.parametrize("requirement", asvs.SHOWN)
def test_the_tests_that_show_a_requirement_are_there(requirement: str) -> None:
    assert asvs.SHOWN[requirement]
    for test in asvs.SHOWN[requirement]:
        path, _, name = test.partition("::")
        there = names_in(path)
        assert there if name == "*" else name in there, f"{requirement}: {test} is no test"


@pytest.mark.parametrize("requirement", asvs.DOCUMENTED)
def test_what_is_wanted_in_writing_is_written(requirement: str) -> None:
    path, words = asvs.DOCUMENTED[requirement]
    assert words in (ROOT / path).read_text()


def test_each_requirement_of_levels_one_and_two_is_told_of_once() -> None:
    assert (len(asvs.of_level(1)), len(asvs.of_level(2))) == (70, 183), "as the standard counts them"
    told = [*asvs.SHOWN, *asvs.NOT_MET, *asvs.DOCUMENTED, *asvs.not_applicable(), *asvs.unshown()]
    assert sorted(told) == sorted([*asvs.of_level(1), *asvs.of_level(2)])


def test_the_page_says_what_is_declared() -> None:
    assert (ROOT / "docs" / "asvs.md").read_text() == asvs.page(), "run `python -m tests.contract.asvs > docs/asvs.md`"
