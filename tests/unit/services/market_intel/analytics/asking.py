"""Questions to MarketService by whoever asks them, without a server between."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from protos.market_intel.v1 import analytics_pb2 as pb
from services.market_intel.analytics import servicer
from services.market_intel.analytics.servicer import Call
from shared.lake import Lake
from shared.principal import Principal

READ = frozenset({"market_intel:read"})
FREE = Principal("ann", permissions=READ)
NORTH = Principal("bob", permissions=READ, regions=frozenset({"North"}))
NOBODY = Principal("eve", permissions=READ, regions=frozenset())
Ask = Callable[..., Any]

METHODS: dict[Callable[[Call], Any], Any] = {
    servicer.list_trends: pb.ListTrendsRequest,
    servicer.list_price_wars: pb.ListPriceWarsRequest,
    servicer.list_products: pb.ListProductsRequest,
    servicer.list_brands: pb.ListBrandsRequest,
    servicer.list_revenue: pb.ListRevenueRequest,
    servicer.list_margins: pb.ListMarginsRequest,
    servicer.get_concentration: pb.GetConcentrationRequest,
    servicer.list_correlations: pb.ListCorrelationsRequest,
    servicer.get_drivers: pb.GetDriversRequest,
    servicer.list_pricing: pb.ListPricingRequest,
}


def asked_of(lake: Lake) -> Ask:
    """Return what asks a method of the service over a lake."""

    def asked(method: Callable[[Call], Any], caller: Principal = FREE, **fields: Any) -> Any:
        return method(Call(lake, METHODS[method](**fields), caller, "json"))

    return asked
