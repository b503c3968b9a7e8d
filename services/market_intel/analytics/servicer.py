"""market_intel.v1.MarketService: messages in, domain calls off the event loop, messages out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias, TypeVar

import grpc
import pyarrow as pa
import pyarrow.compute as pc
from google.protobuf.message import Message

from protos.common.v1 import system_pb2
from protos.market_intel.v1 import analytics_pb2 as pb
from protos.market_intel.v1 import analytics_pb2_grpc
from protos.market_intel.v1.analytics_pb2_grpc import add_MarketServiceServicer_to_server as add_market
from services.market_intel.analytics import correlations, headlines, messages, questions, tables
from services.market_intel.analytics.readings import Readings
from services.market_intel.analytics.selection import Filters
from shared import principal
from shared.lake import Lake, Reading
from shared.page import Page, page
from shared.principal import Principal
from shared.rpc.server import Service
from shared.system_query import state_of
from shared.table_message import Encoding, encoding_of, lineage_of, table_message
from shared.tables import CONTRACT
from shared.work import in_thread

Context: TypeAlias = grpc.aio.ServicerContext
Answer = TypeVar("Answer", bound=Message)
DRIVER_SEGMENTS = 10
PAGING = ("page_size", "page_token")


class Call:
    """One request: who asks, in which state of the lake, for which page."""

    def __init__(self, lake: Lake, request: Any, caller: Principal, encoding: Encoding) -> None:
        self.request, self.caller, self.encoding = request, caller, encoding
        self.page = self._page()
        self.readings = Readings(lake, caller, state_of(self.page, request.as_of))

    def _page(self) -> Page:
        fields = {name: self.text(name) for name in self.request.DESCRIPTOR.fields_by_name if name not in PAGING}
        asked = {"method": self.request.DESCRIPTOR.full_name, **fields}
        return page(asked, getattr(self.request, "page_size", 0), getattr(self.request, "page_token", ""))

    def text(self, name: str) -> Any:
        """Return the value of a field, a list as one."""
        value = getattr(self.request, name)
        return value if isinstance(value, str | int | bool) else list(value)

    @property
    def days(self) -> tuple[str, str]:
        """Return first and last day asked for."""
        return getattr(self.request, "from"), self.request.to

    @property
    def filters(self) -> dict[str, str]:
        """Return the filters of orders by column."""
        asked = self.request
        return {
            "channel": asked.channel,
            "region": asked.region,
            "country": asked.country,
            "currency_code": asked.currency,
        }

    def table(self, rows: pa.Table, columns: Any, reading: Reading, origin: pa.Table | None = None) -> Any:
        """Return a page of rows; what they were made from is told by `origin`, else by themselves."""
        lineage = lineage_of(reading.snapshot, rows if origin is None else origin)
        return table_message(rows, columns, lineage, self.page, self.encoding)

    def named_table(self, rows: pa.Table, columns: Any, reading: Reading, origin: pa.Table | None = None) -> Any:
        """Return a page of rows with the names of their categories and departments beside the ids."""
        shown, told = tables.with_names(rows, columns, self.readings.category_names(reading.snapshot))
        return self.table(shown, told, reading, rows if origin is None else origin)


class MarketServicer(analytics_pb2_grpc.MarketServiceServicer):
    """Trends, prices, products, revenue and its drivers from the market_intel zone."""

    def __init__(self, lake: Lake) -> None:
        self._lake = lake

    async def ListTrends(self, request: pb.ListTrendsRequest, context: Context) -> pb.ListTrendsResponse:  # noqa: N802
        """Return a metric by period and where it is heading."""
        return await self._answered(list_trends, request, context)

    async def ListPricing(self, request: pb.ListPricingRequest, context: Context) -> pb.ListPricingResponse:  # noqa: N802
        """Return our prices against competitors'."""
        return await self._answered(list_pricing, request, context)

    async def ListPriceWars(  # noqa: N802
        self, request: pb.ListPriceWarsRequest, context: Context
    ) -> pb.ListPriceWarsResponse:
        """Return the price wars, latest first."""
        return await self._answered(list_price_wars, request, context)

    async def ListProducts(self, request: pb.ListProductsRequest, context: Context) -> pb.ListProductsResponse:  # noqa: N802
        """Return what products did."""
        return await self._answered(list_products, request, context)

    async def ListBrands(self, request: pb.ListBrandsRequest, context: Context) -> pb.ListBrandsResponse:  # noqa: N802
        """Return brands against their category."""
        return await self._answered(list_brands, request, context)

    async def ListRevenue(self, request: pb.ListRevenueRequest, context: Context) -> pb.ListRevenueResponse:  # noqa: N802
        """Return revenue by period and dimension."""
        return await self._answered(list_revenue, request, context)

    async def ListMargins(self, request: pb.ListMarginsRequest, context: Context) -> pb.ListMarginsResponse:  # noqa: N802
        """Return what is left after costs."""
        return await self._answered(list_margins, request, context)

    async def GetConcentration(  # noqa: N802
        self, request: pb.GetConcentrationRequest, context: Context
    ) -> pb.GetConcentrationResponse:
        """Return how concentrated revenue is."""
        return await self._answered(get_concentration, request, context)

    async def ListCorrelations(  # noqa: N802
        self, request: pb.ListCorrelationsRequest, context: Context
    ) -> pb.ListCorrelationsResponse:
        """Return which parts of the business move together."""
        return await self._answered(list_correlations, request, context)

    async def GetDrivers(self, request: pb.GetDriversRequest, context: Context) -> pb.GetDriversResponse:  # noqa: N802
        """Return why a metric changed."""
        return await self._answered(get_drivers, request, context)

    async def tiles(self, request: system_pb2.TilesRequest) -> system_pb2.TilesResponse:
        """Return the headline figures for the executive dashboard; the operations one has none of ours."""
        if request.dashboard != "executive":
            return system_pb2.TilesResponse()
        return await in_thread(self._tiles, principal.current.get())

    async def insights(self, request: system_pb2.InsightsRequest) -> system_pb2.InsightsResponse:
        """Return what changed that someone should know, best first."""
        return await in_thread(self._insights, principal.current.get())

    async def _answered(self, answer: Callable[[Call], Answer], request: Any, context: Context) -> Answer:
        encoding = encoding_of(dict(context.invocation_metadata() or ()))
        caller = principal.current.get()
        return await in_thread(lambda: answer(Call(self._lake, request, caller, encoding)))

    def _tiles(self, caller: Principal) -> system_pb2.TilesResponse:
        reading = Readings(self._lake, caller, None).main("revenue_daily")
        tiles = [messages.tile(each) for each in headlines.figures(reading.data)]
        return system_pb2.TilesResponse(tiles=tiles, lineage=lineage_of(reading.snapshot, reading.data))

    def _insights(self, caller: Principal) -> system_pb2.InsightsResponse:
        found, reading = questions.findings(Readings(self._lake, caller, None))
        lineage = lineage_of(reading.snapshot, reading.data)
        return system_pb2.InsightsResponse(insights=[messages.insight(each) for each in found], lineage=lineage)


def list_trends(call: Call) -> pb.ListTrendsResponse:
    """Return a metric by period."""
    asked = call.request
    metric, frequency = asked.metric or "revenue", asked.frequency or "day"
    reading = call.readings.main("trends")
    found = tables.trends(reading.data, metric, frequency, asked.region, call.days)
    last = {name: found.rows[name][-1].as_py() for name in GROWTH.values()}
    return pb.ListTrendsResponse(
        table=call.table(found.rows, CONTRACT["market_intel.trends"].columns, reading),
        metric=metric,
        frequency=frequency,
        region=found.region,
        regions=found.regions,
        direction=messages.direction(found),
        anomalies=pc.sum(found.rows["is_anomaly"]).as_py(),
        unit=found.rows["unit"][-1].as_py(),
        **{name: last[column] for name, column in GROWTH.items()},
    )


GROWTH: Mapping[str, str] = {
    "growth_wow_pct": "growth_week_pct",
    "growth_mom_pct": "growth_month_pct",
    "growth_yoy_pct": "growth_year_pct",
    "momentum_pct": "momentum_pct",
}


def list_pricing(call: Call) -> pb.ListPricingResponse:
    """Return our prices against competitors'."""
    asked, group_by = call.request, call.request.group_by or "product"
    reading = call.readings.main("competitive_pricing")
    filters = Filters({"competitor": asked.competitor, "product_id": asked.product})
    sort, below = asked.sort if group_by == "product" else "", call.readings.below(asked.category, reading.snapshot)
    rows = tables.prices(reading.data, filters, sort, category=asked.category, below=below)
    positions, index = tables.positions(rows)
    names = call.readings.category_names(reading.snapshot)
    shown, columns = tables.with_names(rows, CONTRACT["market_intel.competitive_pricing"].columns, names)
    if group_by == "category":
        shown, columns = tables.by_category(rows, names, asked.sort), tables.CATEGORY_COLUMNS
    return pb.ListPricingResponse(
        table=call.table(shown, columns, reading, rows),
        group_by=group_by,
        competitors=[pb.CompetitorPosition(**vars_of(each)) for each in positions],
        price_index=index,
        not_convertible=rows["competitor_price"].null_count,
    )


def vars_of(position: tables.Position) -> dict[str, Any]:
    """Return the fields of a position."""
    return {name: getattr(position, name) for name in ("competitor", "products", "price_index", "undercuts_pct")}


def list_price_wars(call: Call) -> pb.ListPriceWarsResponse:
    """Return the price wars."""
    reading = call.readings.main("price_wars")
    seen = call.readings.beside("competitive_pricing", reading.snapshot)
    filters = Filters({"competitor": call.request.competitor, "category_id": call.request.category})
    departments = call.readings.departments(reading.snapshot)
    rows = tables.wars(reading.data, filters, seen.data if seen else None, departments, ongoing=call.request.ongoing)
    return pb.ListPriceWarsResponse(table=call.named_table(rows, CONTRACT["market_intel.price_wars"].columns, reading))


def list_products(call: Call) -> pb.ListProductsResponse:
    """Return what products did."""
    asked = call.request
    reading = call.readings.main("product_performance")
    own, region, regions = tables.of_region(reading.data, asked.region)
    rows = tables.products(
        own, Filters({"brand": asked.brand}), asked.category, asked.name, asked.sort, at_risk=asked.at_risk
    )
    _, period = questions.recent(reading.data, {})
    return pb.ListProductsResponse(
        table=call.named_table(rows, CONTRACT["market_intel.product_performance"].columns, reading),
        at_risk=pc.sum(rows["is_at_risk"]).as_py() or 0,
        region=region,
        regions=regions,
        **messages.named(period),
    )


def list_brands(call: Call) -> pb.ListBrandsResponse:
    """Return brands against their category."""
    asked = call.request
    reading = call.readings.main("product_performance")
    own, _, _ = tables.of_region(reading.data, asked.region)
    rows = tables.brands(tables.of_category(own, asked.category), by_category=asked.by_category)
    return pb.ListBrandsResponse(table=call.named_table(rows, tables.BRAND_COLUMNS, reading, own))


def list_revenue(call: Call) -> pb.ListRevenueResponse:
    """Return revenue by period and dimension."""
    asked = call.request
    made = questions.revenue_by(
        call.readings,
        list(asked.by),
        asked.grain or "month",
        filters=call.filters,
        days=call.days,
        category=asked.category,
    )
    found = made.found
    return pb.ListRevenueResponse(
        table=call.table(found.rows, found.columns, made.reading, found.matched),
        basis=found.cut.basis,
        total=made.total / 100,
        currencies=made.currencies,
        notes=made.notes,
        **messages.named(found.period),
    )


def list_margins(call: Call) -> pb.ListMarginsResponse:
    """Return what is left after costs."""
    asked = call.request
    made = questions.margins_by(call.readings, asked.by, asked.grain or "month", call.filters, call.days)
    found, reading = made.found, made.reading
    attributions = [
        pb.CostAttribution(cost=each.cost, method=each.method, is_included=each.is_included)
        for each in found.attributions
    ]
    return pb.ListMarginsResponse(
        table=call.table(found.rows, found.columns, reading, reading.data.slice(0, 1)),
        attributions=attributions,
        cost_unknown_pct=found.cost_unknown_pct,
        currencies=made.currencies,
        notes=made.notes,
        **messages.named(made.period),
    )


def get_concentration(call: Call) -> pb.GetConcentrationResponse:
    """Return how concentrated revenue is."""
    by = call.request.by or "customer"
    made = questions.concentrated(call.readings, by, call.filters, call.days)
    lineage = lineage_of(made.reading.snapshot, made.rows)
    return messages.concentration(by, made.found, made.period, made.currencies, lineage)


def list_correlations(call: Call) -> pb.ListCorrelationsResponse:
    """Return which parts of the business move together."""
    asked = call.request
    rows, periods, notes, reading, matched = questions.correlated(
        call.readings, list(asked.by), asked.grain or "week", {"currency_code": asked.currency}, call.days
    )
    table = call.table(rows, correlations.COLUMNS, reading, matched)
    return pb.ListCorrelationsResponse(table=table, periods=max(periods, 0), notes=notes)


def get_drivers(call: Call) -> pb.GetDriversResponse:
    """Return why a metric changed."""
    asked = call.request
    found, reading = questions.why(
        call.readings,
        asked.metric or "revenue",
        call.filters,
        asked=call.days,
        before=(asked.before_from, asked.before_to),
        most=asked.segments or DRIVER_SEGMENTS,
    )
    names = call.readings.category_names(reading.snapshot)
    return messages.drivers(found, names, lineage_of(reading.snapshot, reading.data))


def services(market: MarketServicer) -> list[Service]:
    """Return MarketService, for the market_intel process to serve; `tiles` and `insights` are its SystemService's."""
    return [Service(market, pb.DESCRIPTOR.services_by_name["MarketService"], add_market)]
