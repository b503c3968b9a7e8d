"""How long work is answered: 202 with its Location while it goes on, 200 once there is nothing to wait for."""

from __future__ import annotations

import pytest

from protos.common.v1 import operation_pb2
from protos.pipeline.v1 import pipeline_pb2
from shared.transcode.answer import Answer, Answerer
from shared.transcode.contract import load_contracts
from shared.transcode.cookies import CookieNames, Cookies
from shared.transcode.encode import Encoders
from shared.transcode.openapi import Document
from shared.transcode.tables import JSON

CONTRACTS = load_contracts()
START = next(one for one in CONTRACTS.published if one.full_name == "pipeline.v1.PipelineService.StartRun")


def answered(**operation: object) -> Answer:
    held = operation_pb2.Operation(**operation) if operation else None
    answerer = Answerer(START, Encoders(), Cookies(START, CookieNames()))
    return answerer.answer(pipeline_pb2.StartRunResponse(operation=held), JSON, False)


def test_work_under_way_is_accepted_and_says_where_to_ask():
    answer = answered(name="pipeline/20261121T071530000000Z")
    assert answer.status == 202
    assert dict(answer.headers)[b"location"] == b"/api/v1/operations/pipeline/20261121T071530000000Z"


@pytest.mark.parametrize("operation", [{"name": "pipeline/1", "done": True}, {}])
def test_work_that_is_done_is_answered(operation):
    answer = answered(**operation)
    assert answer.status == 200
    assert b"location" not in dict(answer.headers)


def test_a_name_makes_no_header_of_its_own():
    answer = answered(name="evil/1\r\nSet-Cookie: a=b; é?x=1")
    assert (
        dict(answer.headers)[b"location"] == b"/api/v1/operations/evil/1%0D%0ASet-Cookie%3A%20a%3Db%3B%20%C3%A9%3Fx%3D1"
    )


def test_the_document_tells_of_both_answers():
    document = Document(title="Test").build(CONTRACTS)
    responses = document["paths"]["/api/v1/pipeline/runs"]["post"]["responses"]
    assert "Location" in responses["202"]["headers"]
    assert "headers" not in responses["200"]
    assert responses["200"]["content"] == responses["202"]["content"]


def test_operations_are_asked_of_the_service_that_the_path_names():
    document = Document(title="Test").build(CONTRACTS)
    found = document["paths"]["/api/v1/operations/{service}/{id}"]
    assert set(found) == {"get", "delete"}
    assert {"OPERATION_NOT_FOUND", "UNKNOWN_SERVICE"} <= set(found["get"]["x-error-reasons"])
