"""The prod zone of the Market Intelligence Hub."""

from shared.tables.forecasts import FORECAST_ACCURACY, FORECAST_BACKTESTS, FORECASTS
from shared.tables.market_analytics import MARKET_ANALYTICS

MARKET_INTEL = (FORECASTS, FORECAST_BACKTESTS, FORECAST_ACCURACY, *MARKET_ANALYTICS)
