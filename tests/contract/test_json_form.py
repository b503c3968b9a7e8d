"""The golden test of the platform's JSON form: one answer, to the byte."""

from __future__ import annotations

from protos.common.v1 import system_pb2, table_pb2
from protos.demand.v1 import demand_pb2
from shared.transcode.encode import Encoders

GOLDEN = b"""{"items":[{"segment":"Champions","revenue":1234.5,"recency_days_mean":null}],\
"columns":[{"name":"segment","type":"VARCHAR","unit":"","description":"Name"}],\
"next_page_token":"b3BhcXVl","total_size":11,\
"lineage":{"table":"demand.customer_segments","version":9007199254740993,"data_through_on":"2017-12-30",\
"model_name":"","model_version":"","computed_at":"2026-11-21T04:32:00.250Z","degraded":""},\
"method":"kmeans","silhouette_k":0,"silhouette":null}"""


async def test_the_json_form_stays_as_it_is(client, backend):
    table = table_pb2.Table(
        columns=[table_pb2.Column(name="segment", type="VARCHAR", description="Name")],
        json_columns=b'{"segment":["Champions"],"revenue":[1234.5],"recency_days_mean":[null]}',
        row_count=1,
        total_size=11,
        next_page_token="b3BhcXVl",
        lineage=table_pb2.Lineage(
            table="demand.customer_segments", version=9007199254740993, data_through_on="2017-12-30"
        ),
    )
    table.lineage.computed_at.FromJsonString("2026-11-21T04:32:00.25Z")
    answer = demand_pb2.ListSegmentsResponse(
        table=table, method=demand_pb2.SEGMENT_METHOD_KMEANS, silhouette_k=0, silhouette=float("nan")
    )
    backend.answers["/demand.v1.DemandService/ListSegments"] = lambda request, context: answer
    response = await client.get("/api/v1/demand-insights/segments", headers=backend.bearer("viewer"))
    assert response.content == GOLDEN


def test_what_is_absent_is_left_out():
    encode = Encoders().message(demand_pb2.ListSegmentsResponse.DESCRIPTOR)
    assert encode(demand_pb2.ListSegmentsResponse()) == {"items": [], "columns": [], "total_size": 0}


def test_free_json_is_written_as_it_was():
    insight = system_pb2.Insight(title="Up", score=0.5)
    insight.evidence.update({"orders": 12, "share": 0.25, "by": ["a", None, {"deep": True}]})
    assert Encoders().message(system_pb2.Insight.DESCRIPTOR)(insight) == {
        "title": "Up",
        "evidence": {"orders": 12, "share": 0.25, "by": ["a", None, {"deep": True}]},
        "score": 0.5,
    }
