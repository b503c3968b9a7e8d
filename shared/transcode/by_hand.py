"""What the document says alike of every hand-written operation, so that none of them forgets it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from shared.transcode import reasons
from shared.transcode.schema import Schema
from shared.transcode.security import PERSON, requirement

PROBLEM: Schema = {"content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}}
VERBS = ("get", "post", "put", "patch", "delete")


def completed(item: Mapping[str, Schema], schemes: Sequence[str]) -> Schema:
    """Return a path item whose operations have their security, responses and reasons filled in."""
    return {verb: operation(one, schemes) if verb in VERBS else one for verb, one in item.items()}


def operation(written: Schema, schemes: Sequence[str]) -> Schema:
    """Return one operation; what it says itself is kept. `x-own-session`: for the person alone."""
    needs_token, permission = bool(written["security"]), str(written.get("x-permission", ""))
    names = PERSON if written.get("x-own-session") else schemes
    failures = reasons.of(
        list(written.get("x-error-reasons", ())),
        token=needs_token,
        alone=bool(written.get("x-own-session")),
        permission=bool(permission),
        body="requestBody" in written,
    )
    text = written["description"].partition("\n\nError reasons: ")[0]
    return {
        **written,
        "description": "\n\n".join(part for part in (text, reasons.told(failures)) if part),
        "security": requirement(names, permission) if needs_token else [],
        "x-error-reasons": failures,
        "responses": {**responses(needs_token), **written["responses"]},
    }


def responses(needs_token: bool) -> Schema:
    """Return the failures that any operation may answer with."""
    found: Schema = {"400": {"description": "The request is wrong; `errors` says which fields.", **PROBLEM}}
    if needs_token:
        found["401"] = {"description": "No token, or one that does not hold.", **PROBLEM}
        found["403"] = {"description": "The token lacks a permission.", **PROBLEM}
    return {**found, "default": {"description": "Any other failure.", **PROBLEM}}


def joined(*paths: Mapping[str, Mapping[str, Schema]]) -> dict[str, Schema]:
    """Return path items of several modules together; one path may have operations of more than one."""
    found: dict[str, Schema] = {}
    for some in paths:
        for path, item in some.items():
            found[path] = {**found.get(path, {}), **item}
    return found
