"""One endpoint over a channel: raw documents, bodies that fill one field, long work, callers that leave."""

from __future__ import annotations

import asyncio

import httpx
import pytest
from google.api import httpbody_pb2

from shared.transcode.backends import Backends
from shared.transcode.contract import service_methods
from shared.transcode.endpoint import Edge
from shared.transcode.routes import RouteTable
from tests.unit.shared.transcode.samples import service

PACKAGE = "endpoints.v1"
PUBLIC = "option (common.v1.policy) = {public: true};"
LONG = "option (common.v1.policy) = {public: true long_running: true};"
METHODS = f"""
rpc Page(Ask) returns (google.api.HttpBody) {{
  option (google.api.http) = {{post: "/page/{{name}}" body: "*"}}; {PUBLIC} }}
rpc Part(Ask) returns (Told) {{ option (google.api.http) = {{put: "/part/{{name}}" body: "inner"}}; {PUBLIC} }}
rpc Work(Ask) returns (Told) {{ option (google.api.http) = {{post: "/work" body: "*"}}; {LONG} }}
"""


class Channel:
    """Where calls end: remembers the request, answers what it was given or never."""

    def __init__(self, answer=None):
        self.answer, self.request = answer, None
        self.asked, self.cancelled = asyncio.Event(), asyncio.Event()

    async def call(self, path, request, serializer, deserializer, **about):
        self.request = request
        self.asked.set()
        if self.answer is not None:
            return self.answer
        try:
            await asyncio.sleep(60)
        finally:
            self.cancelled.set()


def app(channel):
    methods = service_methods([service(PACKAGE, METHODS)]).published
    table = RouteTable(methods, Edge(Backends({"endpoints": channel}), None))

    async def serve(scope, receive, send):
        _, child = table.matches(scope)
        await table.handle({**scope, **child}, receive, send)

    return table, serve


def client(channel):
    return httpx.AsyncClient(transport=httpx.ASGITransport(app(channel)[1]), base_url="http://test")


def answer_of(name):
    method = next(one for one in service_methods([service(PACKAGE, METHODS)]).methods if one.descriptor.name == name)
    return method.response_class()


async def test_a_document_is_answered_as_it_is():
    channel = Channel(httpbody_pb2.HttpBody(content_type="text/html; charset=utf-8", data=b"<h1>Report</h1>"))
    response = await client(channel).post("/page/a%2Fb", json={})
    assert response.content == b"<h1>Report</h1>"
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    assert channel.request.name == "a/b"


async def test_a_field_of_the_path_does_not_belong_into_the_body():
    response = await client(Channel()).post("/page/a", json={"name": "b"})
    assert response.status_code == 400
    assert response.json()["errors"][0]["field"] == "name"


async def test_a_body_may_fill_one_field():
    channel = Channel(answer_of("Part"))
    assert (await client(channel).put("/part/a", json={"deep": "x"})).status_code == 200
    assert (channel.request.name, channel.request.inner.deep) == ("a", "x")


async def test_long_work_is_accepted():
    assert (await client(Channel(answer_of("Work"))).post("/work", json={})).status_code == 202


@pytest.mark.parametrize("path", ["/part/a", "/work"])
async def test_a_caller_that_leaves_cancels_the_work_behind(path):
    channel, sent = Channel(), []
    messages = [{"type": "http.request", "body": b"{}", "more_body": False}, {"type": "http.disconnect"}]

    async def receive():
        return messages.pop(0)

    async def send(message):
        sent.append(message)

    table, _ = app(channel)
    scope = {"type": "http", "path": path, "method": "PUT" if "part" in path else "POST", "query_string": b""}
    scope["headers"] = [(b"content-length", b"2"), (b"content-type", b"application/json")]
    await table.handle({**scope, **table.matches(scope)[1]}, receive, send)
    assert channel.cancelled.is_set()
    assert sent == []
    assert asyncio.current_task().cancelling() == 0


async def test_a_request_cancelled_from_outside_stays_cancelled():
    channel = Channel()
    task = asyncio.create_task(client(channel).post("/work", json={}))
    await channel.asked.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert channel.cancelled.is_set()
