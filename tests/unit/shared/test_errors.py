"""Every failure has its codes on both sides, and survives the way between them."""

from __future__ import annotations

import ast
import importlib
from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path

import grpc
import pytest
from google.rpc import code_pb2

from shared.errors import BY_CODE, FieldError, PlatformError
from shared.rpc.status import from_status, to_status

ROOT = Path(__file__).resolve().parents[3]
HTTP_OF_GOOGLE = {
    "CANCELLED": 499,
    "UNKNOWN": 500,
    "INVALID_ARGUMENT": 400,
    "DEADLINE_EXCEEDED": 504,
    "NOT_FOUND": 404,
    "ALREADY_EXISTS": 409,
    "PERMISSION_DENIED": 403,
    "UNAUTHENTICATED": 401,
    "RESOURCE_EXHAUSTED": 429,
    "FAILED_PRECONDITION": 400,
    "ABORTED": 409,
    "OUT_OF_RANGE": 400,
    "UNIMPLEMENTED": 501,
    "INTERNAL": 500,
    "UNAVAILABLE": 503,
    "DATA_LOSS": 500,
}
"""The HTTP mapping in the comments of google/rpc/code.proto."""


def declaring_files() -> list[Path]:
    """Return our files that declare a class ending a family of errors, by their text alone."""
    folders = ("shared", "services", "gateway", "pipeline")
    files = [path for folder in folders for path in (ROOT / folder).rglob("*.py") if "migrations" not in path.parts]
    return [path for path in files if declares_an_error(path)]


def declares_an_error(path: Path) -> bool:
    names = {"PlatformError", *(kind.__name__ for kind in BY_CODE.values())}
    classes = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.ClassDef)]
    return any(isinstance(base, ast.Name) and base.id in names for node in classes for base in node.bases)


def every_error() -> list[type[PlatformError]]:
    for path in declaring_files():
        importlib.import_module(".".join(path.relative_to(ROOT).with_suffix("").parts))
    ours = ("shared.", "services.", "gateway.", "pipeline.")
    found = {kind for kind in subclasses(PlatformError) if kind.__module__.startswith(ours)}
    return sorted(found, key=lambda kind: (kind.__module__, kind.__qualname__))


def subclasses(kind: type[PlatformError]) -> Iterator[type[PlatformError]]:
    for child in kind.__subclasses__():
        yield child
        yield from subclasses(child)


ERRORS = every_error()


def test_every_code_but_ok_has_an_error_with_the_status_google_gives_it() -> None:
    assert set(BY_CODE) == set(grpc.StatusCode) - {grpc.StatusCode.OK}
    assert {code.name: kind.http_status for code, kind in BY_CODE.items()} == HTTP_OF_GOOGLE


def test_the_codes_are_those_of_google_rpc() -> None:
    assert {code.name: code.value[0] for code in grpc.StatusCode} == dict(code_pb2.Code.items())


def test_the_repository_declares_errors_to_look_at() -> None:
    assert len(ERRORS) > len(set(BY_CODE.values()))


@pytest.mark.parametrize("kind", ERRORS, ids=lambda kind: f"{kind.__module__}.{kind.__qualname__}")
def test_an_error_comes_back_as_it_went(kind: type[PlatformError]) -> None:
    went = kind.__new__(kind)
    PlatformError.__init__(went, "a sentence – with ß", metadata={"a": "1"}, errors=[FieldError("items.0.name", "x")])
    came = from_status(to_status(went))
    assert came is not None
    assert (came.detail, came.code, came.http_status) == (went.detail, kind.code, kind.http_status)
    assert (came.error_reason, came.metadata, came.errors) == (kind.reason, went.metadata, went.errors)


@pytest.mark.parametrize("kind", ERRORS, ids=lambda kind: f"{kind.__module__}.{kind.__qualname__}")
def test_an_error_has_a_stable_reason_and_says_when_it_is_raised(kind: type[PlatformError]) -> None:
    assert kind.reason.replace("_", "").isalnum() and kind.reason.isupper()
    assert (kind.__doc__ or "").strip()
    assert kind.http_status == 499 or HTTPStatus(kind.http_status)


def test_a_status_that_is_not_ours_is_not_taken_for_one() -> None:
    status = to_status(PlatformError("x"))
    del status.details[:]
    assert from_status(status) is None
