"""A further AI system in one file: docs/systems.md says how to start and register it."""

from datetime import date

import grpc
import pyarrow as pa

from protos.common.v1 import system_pb2, system_pb2_grpc, table_pb2
from shared import principal, system_query
from shared.errors import NotFound
from shared.page import page
from shared.revocation import NothingRevoked
from shared.rpc.channel import channel
from shared.rpc.process import run
from shared.rpc.server import Service, serve
from shared.settings import ServiceSettings
from shared.table_message import encoding_of, table_message
from shared.tables import Column, Table
from shared.tokens import RemoteKeys, TokenVerifier, system_audience

messages, stubs = grpc.protos_and_services("weather.proto")  # found beside this file
COLUMNS = (Column("city", "VARCHAR", False, "City"), Column("mean", "DOUBLE", False, "Mean of the day", "°C"))
DAYS = Table("weather", "days", ("city",), COLUMNS, "One row a city: its weather today")
ROWS = pa.table({"city": ["Lima", "Oslo"], "mean": [19.5, -3.25]})


class UnknownCity(NotFound):
    reason = "UNKNOWN_CITY"


class Weather(stubs.WeatherServiceServicer):
    async def GetToday(self, request, context):
        found = dict(zip(*ROWS.to_pydict().values(), strict=True))
        if request.city not in found:
            raise UnknownCity(f"no weather of {request.city!r}; there is that of {', '.join(found)}")
        who = principal.current.get().subject
        return messages.GetTodayResponse(city=request.city, temperature_mean=found[request.city], subject=who)


class Tables(system_pb2_grpc.SystemServiceServicer):
    async def ListTables(self, request, context):
        columns = [table_pb2.Column(name=c.name, type=c.type, unit=c.unit, description=c.description) for c in COLUMNS]
        info = system_pb2.TableInfo(name=DAYS.name, description=DAYS.description, columns=columns, row_count=len(ROWS))
        return system_pb2.ListTablesResponse(items=[info], total_size=1)

    async def Query(self, request, context):
        asked = (request.columns, request.filters, request.group_by, request.order_by)
        found = system_query.run(ROWS, DAYS, system_query.Query(*map(tuple, asked)))
        lineage = table_pb2.Lineage(table=DAYS.full_name, version=0, data_through_on=str(date.today()))
        part = page({"query": str(asked)}, request.page_size, request.page_token)
        encoding = encoding_of(dict(context.invocation_metadata()))
        return system_pb2.QueryResponse(table=table_message(found.data, found.columns, lineage, part, encoding))


async def main(settings):
    async with channel("auth", settings.services["auth"], settings) as auth:
        audience = system_audience(settings.audience, "weather")
        verifier = TokenVerifier(RemoteKeys(auth), settings.issuer, audience, NothingRevoked())
        weather = messages.DESCRIPTOR.services_by_name["WeatherService"]
        tables = system_pb2.DESCRIPTOR.services_by_name["SystemService"]
        served = [
            Service(Weather(), weather, stubs.add_WeatherServiceServicer_to_server),
            Service(Tables(), tables, system_pb2_grpc.add_SystemServiceServicer_to_server),
        ]
        await serve("weather", settings, served, verifier)


if __name__ == "__main__":
    run(main(ServiceSettings()))
