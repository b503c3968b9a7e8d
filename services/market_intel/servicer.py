"""market_intel.v1.ForecastingService: messages in, domain calls off the event loop or in operations, messages out."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TypeAlias

import grpc
import pyarrow as pa
import structlog

from protos.common.v1 import operation_pb2, system_pb2, table_pb2
from protos.common.v1.system_pb2_grpc import add_SystemServiceServicer_to_server as add_system
from protos.market_intel.v1 import forecasting_pb2 as pb
from protos.market_intel.v1 import forecasting_pb2_grpc
from protos.market_intel.v1.forecasting_pb2_grpc import add_ForecastingServiceServicer_to_server as add_forecasting
from services.market_intel import messages, stored, work
from services.market_intel.analytics.servicer import MarketServicer
from services.market_intel.analytics.servicer import services as analytics
from services.market_intel.body import Asked, of_struct, read
from services.market_intel.forecasts import Made, forecast
from services.market_intel.kept import CHOICES, FORECAST, Kept
from services.market_intel.settings import MarketIntelSettings
from services.market_intel.versions import MOST_MOVES, Versions
from shared import principal
from shared.answers import Answers
from shared.errors import PlatformError
from shared.lake import Lake
from shared.operations.operations import Operations
from shared.operations.servicer import operation_message, operation_service
from shared.page import page
from shared.principal import Principal
from shared.rpc.resilience import Overloaded
from shared.rpc.server import Service
from shared.system_query import state_of
from shared.system_service import SystemServicer
from shared.systems import SYSTEMS
from shared.table_message import Encoding, encoding_of, lineage_of, part_message, table_message
from shared.tables import CONTRACT, Column
from shared.transcode import idempotency
from shared.transcode.problem import RETRY_AFTER
from shared.work import check, in_executor, in_thread

Context: TypeAlias = grpc.aio.ServicerContext
log = structlog.stdlib.get_logger("market_intel")
SYSTEM = next(system for system in SYSTEMS if system.name == "market_intel")
COLUMNS = CONTRACT[stored.TABLE].columns
TURN_SECONDS = 3.0
"""How long a forecast waits for those before it. Longer, and callers give up by themselves: whoever calls this service
would take it for one that does not answer, and leave all of it alone."""
RETRY_SECONDS = 5
SMALL_BYTES = 2 * 1024 * 1024
"""Longer bodies are read in a process of their own: reading one holds up every other thread for as long as it takes."""


class ForecastingServicer(forecasting_pb2_grpc.ForecastingServiceServicer):
    """Forecasts asked for, forecasts kept, and the models behind those of the pipeline."""

    def __init__(self, lake: Lake, operations: Operations, settings: MarketIntelSettings) -> None:
        self._lake, self._operations, self._settings = lake, operations, settings
        self._kept = Kept(settings.kept_uri, settings.storage_options, settings.operations_kept_days)
        self._versions = Versions(settings.models_dir)
        self._computing, self._turn = ThreadPoolExecutor(1, "forecast"), asyncio.Semaphore(1)
        self._answers: Answers[pb.ListForecastsResponse] = Answers()

    async def Forecast(  # noqa: N802
        self, request: pb.ForecastRequest, context: Context
    ) -> pb.ForecastResponse:
        """Return the forecast, or the operation that makes it."""
        if len(request.body) <= SMALL_BYTES:
            asked = await in_thread(read, request.body)
            found = await self._in_turn(asked)
            if found is not None:
                return found
        return pb.ForecastResponse(
            operation=await self._begin("forecast", work.do_forecast, request.body, key_of(context))
        )

    async def CompareModels(  # noqa: N802
        self, request: pb.CompareModelsRequest, context: Context
    ) -> pb.CompareModelsResponse:
        """Return the operation that compares the models."""
        if len(request.body) <= SMALL_BYTES:
            asked = await in_thread(read, request.body)
            if asked.given is not None:
                await in_thread(asked.panel)
        begun = await self._begin("model comparison", work.do_compare, request.body, key_of(context))
        return pb.CompareModelsResponse(operation=begun)

    async def ListForecasts(  # noqa: N802
        self, request: pb.ListForecastsRequest, context: Context
    ) -> pb.ListForecastsResponse:
        """Return a page of the forecasts that the pipeline made."""
        encoding = encoding_of(dict(context.invocation_metadata() or ()))
        return await in_thread(self._stored, request, principal.current.get(), encoding)

    async def GetForecast(  # noqa: N802
        self, request: pb.GetForecastRequest, context: Context
    ) -> pb.GetForecastResponse:
        """Return a page of the rows of a forecast that was asked for."""
        table = await self._page(request, FORECAST, messages.FORECAST_COLUMNS, context)
        return pb.GetForecastResponse(table=table)

    async def GetForecastChoices(  # noqa: N802
        self, request: pb.GetForecastChoicesRequest, context: Context
    ) -> pb.GetForecastChoicesResponse:
        """Return a page of what was chosen for its series."""
        table = await self._page(request, CHOICES, messages.CHOICE_COLUMNS, context)
        return pb.GetForecastChoicesResponse(table=table)

    async def ListModels(self, request: pb.ListModelsRequest, context: Context) -> pb.ListModelsResponse:  # noqa: N802
        """Return every version of our models."""
        return await in_thread(self._models)

    async def ListModelMoves(  # noqa: N802
        self, request: pb.ListModelMovesRequest, context: Context
    ) -> pb.ListModelMovesResponse:
        """Return what was live when."""
        moves = (await in_thread(self._versions.moves))[: -MOST_MOVES - 1 : -1]
        return pb.ListModelMovesResponse(items=map(messages.move_message, moves), total_size=len(moves))

    async def PromoteModel(  # noqa: N802
        self, request: pb.PromoteModelRequest, context: Context
    ) -> pb.PromoteModelResponse:
        """Return the version, champion now."""
        who = principal.current.get().subject
        model = await in_thread(self._versions.promote, request.model, request.version, request.because, who)
        return pb.PromoteModelResponse(model=await in_thread(self._model, model.name, model.version))

    async def RollbackModel(  # noqa: N802
        self, request: pb.RollbackModelRequest, context: Context
    ) -> pb.RollbackModelResponse:
        """Return the version that is champion again."""
        who = principal.current.get().subject
        model = await in_thread(self._versions.rollback, request.model, request.because, who)
        return pb.RollbackModelResponse(model=await in_thread(self._model, model.name, model.version))

    async def forecast(self, request: system_pb2.ForecastRequest) -> system_pb2.ForecastResponse:
        """Return the operation of a forecast whose parameters are those of the body of a forecast."""
        body = of_struct(request.parameters)
        await in_thread(read, body)
        return system_pb2.ForecastResponse(operation=await self._begin("forecast", work.do_forecast, body))

    async def _in_turn(self, asked: Asked) -> pb.ForecastResponse | None:
        """Return the answer to what takes a moment, None for what takes longer. Raises Overloaded."""
        try:
            async with asyncio.timeout(TURN_SECONDS):
                await self._turn.acquire()
        except TimeoutError:
            detail = "too many forecasts are asked for at once; try again, or put their series together in one"
            raise Overloaded(detail, metadata={RETRY_AFTER: str(RETRY_SECONDS)}) from None
        try:
            return await in_executor(self._computing, partial(self._at_once, asked))
        finally:
            self._turn.release()

    def _at_once(self, asked: Asked) -> pb.ForecastResponse | None:
        """Return the answer to what takes a moment, None for what takes longer. Raises what is wrong with the ask."""
        if asked.given is None and asked.ask.by_line:
            return None
        panel, lineage, notes = work.series(asked, self._lake)
        if not work.is_quick(asked, panel):
            return None
        made = forecast(asked.ask, panel, lambda share, phrase: check())
        rows = messages.forecast_rows(made)
        return messages.forecast_response(made, rows, lineage, notes, self._keep(made, rows))

    def _keep(self, made: Made, rows: pa.Table) -> str:
        """Return the id that an answer can be had by as a file; empty where there is no place to keep it."""
        try:
            tables = {FORECAST: rows, CHOICES: messages.choice_rows(made)}
            return self._kept.put_answer(tables, principal.current.get())
        except OSError:
            log.exception("a forecast was answered and could not be kept")
            return ""

    async def _begin(self, kind: str, function: work.Work, body: bytes, key: str = "") -> operation_pb2.Operation:
        caller = principal.current.get()
        known = await self._operations.begun(function, caller, key) if key else None
        if known is not None:
            return await in_thread(operation_message, known)
        forecast_id = await in_thread(self._kept.put_ask, body, caller)
        arguments = {"id": forecast_id, "kept": self._settings.kept_uri, "zones": self._settings.zone_uris()}
        if self._settings.pretrained_forecaster_dir is not None:
            arguments["pretrained"] = str(self._settings.pretrained_forecaster_dir)
        try:
            operation = await self._operations.begin(kind, function, arguments, caller, key=key)
        except PlatformError:
            await in_thread(self._kept.drop, forecast_id)
            raise
        return await in_thread(operation_message, operation)

    async def _page(
        self,
        request: pb.GetForecastRequest | pb.GetForecastChoicesRequest,
        name: str,
        columns: Sequence[Column],
        context: Context,
    ) -> table_pb2.Table:
        encoding = encoding_of(dict(context.invocation_metadata() or ()))
        part = page({"id": request.forecast_id, "of": name}, request.page_size, request.page_token)
        caller = principal.current.get()
        rows, total = await in_thread(self._kept.page, request.forecast_id, name, caller, part)
        shown = [column for column in columns if column.name in rows.column_names]
        following = part.next_token(0, total)
        return await in_thread(part_message, rows, shown, table_pb2.Lineage(), total, following, encoding)

    def _stored(
        self, request: pb.ListForecastsRequest, caller: Principal, encoding: Encoding
    ) -> pb.ListForecastsResponse:
        which = stored.Which(
            request.metric, request.frequency, request.level, request.series_id, getattr(request, "from"), request.to
        )
        part = page({"which": vars(which), "as_of": request.as_of}, request.page_size, request.page_token)
        reading = self._lake.read(stored.TABLE, caller, state_of(part, request.as_of))

        def make() -> pb.ListForecastsResponse:
            rows: pa.Table = stored.chosen(reading.data, which, caller)
            lineage = lineage_of(reading.snapshot, rows)
            return pb.ListForecastsResponse(table=table_message(rows, COLUMNS, lineage, part, encoding))

        return self._answers.get(reading.snapshot, caller, (which, part, encoding), make)

    def _models(self) -> pb.ListModelsResponse:
        aliases = self._versions.manifest().aliases
        found = [messages.model_message(model, aliases.get(model.name, {})) for model in self._versions.all()]
        return pb.ListModelsResponse(items=found, total_size=len(found))

    def _model(self, name: str, version: str) -> pb.RegisteredModel:
        manifest = self._versions.manifest()
        return messages.model_message(manifest.version(name, version), manifest.aliases.get(name, {}))


def key_of(context: Context) -> str:
    """Return what an operation is to be begun once by; empty where its caller sent no Idempotency-Key."""
    return str(dict(context.invocation_metadata() or ()).get(idempotency.TOLD, ""))[:64]


def services(lake: Lake, operations: Operations, settings: MarketIntelSettings) -> list[Service]:
    """Return what the process serves: forecasts, market analytics, SystemService over its zone, and its long work."""
    forecasting, market = ForecastingServicer(lake, operations, settings), MarketServicer(lake)
    system = SystemServicer(SYSTEM, lake, tiles=market.tiles, insights=market.insights, forecast=forecasting.forecast)
    return [
        Service(forecasting, pb.DESCRIPTOR.services_by_name["ForecastingService"], add_forecasting),
        Service(system, system_pb2.DESCRIPTOR.services_by_name["SystemService"], add_system),
        *analytics(market),
        operation_service(operations),
    ]
