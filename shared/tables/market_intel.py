"""The prod zone of the Market Intelligence Hub; later releases make its tables."""

from shared.tables.columns import day, real, share, text
from shared.tables.market_analytics import MARKET_ANALYTICS
from shared.tables.prod import planned

FREQUENCIES = ("day", "week", "month")
METRICS = ("revenue", "orders", "units")


MARKET_INTEL = (
    planned(
        "market_intel",
        "forecasts",
        ("metric", "frequency", "series_id", "ds"),
        "One row a metric, series and period ahead",
        text("metric", "What is forecast", choices=METRICS),
        text("frequency", "Length of a period", choices=FREQUENCIES),
        text("series_id", "Which part of the business; `all` for the whole"),
        day("ds", "First day of the period"),
        real("mean", "Expected value"),
        real("median", "Value as likely to be passed as not"),
        real("lower_80", "Lower end of the 80 % interval"),
        real("upper_80", "Upper end of the 80 % interval"),
        real("lower_95", "Lower end of the 95 % interval"),
        real("upper_95", "Upper end of the 95 % interval"),
        region_free=True,
    ),
    planned(
        "market_intel",
        "forecast_backtests",
        ("metric", "frequency", "series_id", "model"),
        "One row a model tried on a series: how it did on rolling origins",
        text("metric", "What was forecast", choices=METRICS),
        text("frequency", "Length of a period", choices=FREQUENCIES),
        text("series_id", "Which part of the business"),
        text("model", "Model tried"),
        real("rmse", "Root mean squared error"),
        real("mae", "Mean absolute error"),
        real("mape", "Mean absolute percentage error", null=True, unit="%"),
        real("smape", "Symmetric mean absolute percentage error", unit="%"),
        real("mase", "Mean absolute scaled error", null=True),
        real("r2", "Coefficient of determination", null=True),
        share("coverage_80_pct", "Share of outcomes within the 80 % interval"),
        region_free=True,
    ),
    *MARKET_ANALYTICS,
)
