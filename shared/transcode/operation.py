"""One operation of the OpenAPI document, from one method's contract."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

import orjson

from shared.rpc.access import Door, access
from shared.transcode import fields as f
from shared.transcode import reasons
from shared.transcode.answer import exported, operation_field, table_field
from shared.transcode.backends import BY_SERVICE
from shared.transcode.contract import Method
from shared.transcode.example import example
from shared.transcode.export import REASONS as EXPORT_REASONS
from shared.transcode.form import FORM
from shared.transcode.rows import row_schema
from shared.transcode.schema import Schema, Schemas
from shared.transcode.security import BEARER, PERSON, for_persons_alone, requirement
from shared.transcode.tables import ARROW, COLUMNS, CSV, FILES, FORMATS, JSON, SUFFIXES, XLSX

PROBLEM_TYPE = "application/problem+json"
SESSION_HEADER: Schema = {
    "name": "X-Session",
    "in": "header",
    "required": False,
    "description": "`cookie`: the refresh token travels as an HttpOnly cookie instead of in the body.",
    "schema": {"type": "string", "enum": ["cookie"]},
}
LOCATION: Schema = {
    "description": "Where to ask how the work stands, `/api/v1/operations/{name}`.",
    "schema": {"type": "string", "format": "uri-reference"},
}
FORMAT_PARAMETER: Schema = {
    "name": "format",
    "in": "query",
    "required": False,
    "description": "What to answer with, for callers who cannot say it by `Accept`; it counts before that.",
    "schema": {"type": "string", "enum": list(FORMATS)},
}
EXPORT_PARAMETER: Schema = {
    "name": "export",
    "in": "query",
    "required": False,
    "description": (
        "The whole list as one file, from `page_token` on where one is given; `page_size`, `format` and `Accept` then "
        "say nothing. CSV and Arrow come as they are made; where such an answer breaks off it is not whole. An export "
        "costs as much of the rate limit as ten pages. Lists that are too long are refused with `EXPORT_TOO_LARGE`."
    ),
    "schema": {"type": "string", "enum": [SUFFIXES[one] for one in FILES]},
}
FILE_HEADERS: dict[str, Schema] = {
    "X-Next-Page-Token": {"description": "Token of the next page, when there is one.", "schema": {"type": "string"}},
    "Content-Disposition": {"description": "Name of the file.", "schema": {"type": "string"}},
    "X-Total-Count": {"description": "Rows over all pages.", "schema": {"type": "integer"}},
    "X-Lake-Version": {"description": "Version of the table that was read.", "schema": {"type": "integer"}},
}


class Operation:
    """What the document says of one method."""

    def __init__(self, method: Method, schemas: Schemas, tag: str, schemes: Sequence[str] = (BEARER,)) -> None:
        self._method, self._schemas, self._tag, self._schemes = method, schemas, tag, schemes
        self._access = access(method.descriptor)
        self._fields = method.request_fields()
        self._path = method.rule.template.fields

    def build(self) -> Schema:
        """Return the operation."""
        descriptor, policy = self._method.descriptor, self._method.policy
        found: Schema = {
            "tags": [self._tag],
            "operationId": f"{descriptor.containing_service.name}_{descriptor.name}",
            "summary": policy.summary or descriptor.name,
            "description": self._description(),
            "security": self._security(),
        }
        if self._access.door is Door.PERMISSION:
            found["x-permission"] = self._access.permission
        found["x-error-reasons"] = self._reasons()
        parameters = self._parameters()
        if parameters:
            found["parameters"] = parameters
        if self._method.rule.body:
            found["requestBody"] = self._request_body()
        found["responses"] = self._responses()
        return found

    def _security(self) -> list[Schema]:
        if not self._access.needs_token:
            return []
        return requirement(PERSON if for_persons_alone(self._method) else self._schemes, self._access.permission)

    def _description(self) -> str:
        door = self._access.door
        who = {
            Door.PERMISSION: f"Needs the permission `{self._access.permission}`.",
            Door.AUTHENTICATED: "Needs a token, but no permission.",
        }.get(door, "Needs no token.")
        text = self._schemas.comments.get(self._method.full_name) or self._method.policy.doc
        alone = "For the person alone: no API key or OAuth client." * for_persons_alone(self._method)
        return "\n\n".join(part for part in (text, who, alone, reasons.told(self._reasons())) if part)

    def _reasons(self) -> list[str]:
        field = self._method.policy.route_by
        routed = [] if not field else ["UNKNOWN_SERVICE"] if field == BY_SERVICE else ["UNKNOWN_SYSTEM"]
        cookie = list(reasons.COOKIE) if self._uses_cookies() else []
        whole = list(EXPORT_REASONS) if exported(self._method) else []
        return reasons.of(
            [*self._method.policy.reasons, *routed, *cookie, *whole],
            token=self._access.needs_token,
            alone=self._method.policy.own_session,
            permission=self._access.door is Door.PERMISSION,
            body=bool(self._method.rule.body),
        )

    def _parameters(self) -> list[Schema]:
        found = [self._parameter(name, "path") for name in self._path]
        found += [self._parameter(name, "query") for name in self._method.query_fields()]
        if table_field(self._method) and "format" not in self._fields:
            found.append(FORMAT_PARAMETER)
        if exported(self._method):
            found.append(EXPORT_PARAMETER)
        return [*found, SESSION_HEADER] if self._uses_cookies() else found

    def _parameter(self, name: str, place: str) -> Schema:
        schema = self._schemas.field(self._fields[name], True)
        found: Schema = {"name": name, "in": place, "required": place == "path" or self._required(name)}
        description = schema.pop("description", "")
        if description:
            found["description"] = description
        examples = schema.pop("examples", None)
        found["schema"] = schema
        found["example"] = examples[0] if examples else example(schema, self._schemas.components)
        if not found["required"] and "default" not in schema and not examples and not schema.get("enum"):
            del found["example"]
        return found

    def _required(self, name: str) -> bool:
        options = f.options_of(self._fields[name])
        return bool(options.required and not options.default)

    def _uses_cookies(self) -> bool:
        fields = [*self._fields.values(), *self._method.descriptor.output_type.fields]
        return any(f.options_of(field).cookie for field in fields)

    def _request_body(self) -> Schema:
        body, message = self._method.rule.body, self._method.descriptor.input_type
        if body != "*":
            schema = self._schemas.field(self._fields[body], True)
        elif self._path:
            schema = self._schemas.object(message, True, leave_out=self._path)
        else:
            schema = self._schemas.reference(message, True)
        needed = body != "*" or any(self._required(name) for name in self._fields if name not in self._path)
        told = f.options_of(self._fields[body]).example if body != "*" else ""
        content = {"schema": schema, "example": orjson.loads(told) if told else self._example(schema)}
        return {"required": needed, "content": dict.fromkeys(self._body_types(), content)}

    def _example(self, schema: Schema) -> Any:
        return example(schema, self._schemas.components)

    def _body_types(self) -> tuple[str, ...]:
        policy = self._method.policy
        if not policy.form:
            return (JSON,)
        return (FORM,) if policy.oauth_endpoint else (JSON, FORM)

    def _responses(self) -> Schema:
        found: Schema = {str(int(self._status())): self._success()}
        if operation_field(self._method):
            found["200"] = {**found["202"], "description": "The work is done already: the whole answer."}
            found["202"] = {**found["202"], "description": "The work has begun.", "headers": {"Location": LOCATION}}
        if self._method.policy.cache_seconds and self._method.rule.verb == "GET":
            found["304"] = {"description": "The caller has the answer already (`If-None-Match`)."}
        found["400"] = self._problem("The request is wrong; `errors` says which fields.")
        if any(f.options_of(field).basic for field in self._fields.values()):
            found["401"] = self._problem("The client's HTTP Basic credentials do not hold.")
        if self._access.needs_token:
            found["401"] = self._problem("No token, or one that does not hold.")
            found["403"] = self._problem("The token lacks a permission.")
        found["default"] = self._problem("Any other failure.")
        return found

    def _status(self) -> int:
        policy, verb = self._method.policy, self._method.rule.verb
        if policy.redirect_field:
            return HTTPStatus.FOUND if verb == "GET" else HTTPStatus.SEE_OTHER
        return HTTPStatus.ACCEPTED if policy.long_running else HTTPStatus.OK

    def _success(self) -> Schema:
        if self._method.policy.redirect_field:
            place = {"description": "Where to go on.", "schema": {"type": "string", "format": "uri"}}
            return {"description": "Goes on elsewhere.", "headers": {"Location": place}}
        message = self._method.descriptor.output_type
        if message.full_name == f.HTTP_BODY:
            return {"description": "A document.", "content": {"*/*": {}}}
        schema = self._schemas.reference(message, False, rows=row_schema(self._method))
        shown = example(schema, self._schemas.components)
        found: Schema = {
            "description": self._schemas.comments.get(str(message.full_name), "Done."),
            "content": {JSON: {"schema": schema, "example": shown}},
        }
        if table_field(self._method):
            found["headers"] = FILE_HEADERS
            found["content"][COLUMNS] = {"schema": columnar(schema, self._schemas.components)}
            found["content"][CSV] = {"schema": {"type": "string"}}
            for binary in (ARROW, XLSX):
                found["content"][binary] = {"schema": {"type": "string", "contentMediaType": binary}}
        return found

    def _problem(self, description: str) -> Schema:
        oauth = bool(self._method.policy.oauth_endpoint)
        content: dict[str, Any] = {"schema": {"$ref": f"#/components/schemas/{'OAuthError' if oauth else 'Problem'}"}}
        return {"description": description, "content": {JSON if oauth else PROBLEM_TYPE: content}}


def columnar(schema: Schema, components: Mapping[str, Schema]) -> Schema:
    """Return the schema of an answer with rows by column, from that with rows one by one."""
    whole = components[schema["$ref"].rpartition("/")[2]]
    data = {
        "type": "object",
        "additionalProperties": {"type": "array", "items": {}},
        "description": "The rows of this page by column: name to values, all lists as long as there are rows.",
    }
    kept = {name: inner for name, inner in whole["properties"].items() if name != "items"}
    required = ["data", *(name for name in whole["required"] if name != "items")]
    return {**whole, "title": f"{whole['title']}.Columns", "properties": {"data": data, **kept}, "required": required}
