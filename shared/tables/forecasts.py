"""Forecasts of the Market Intelligence Hub: what is expected, which models were tried, and what then came."""

from shared.tables.columns import PROD_TAIL, day, flag, real, share, text, whole
from shared.tables.model import Column, Table

FREQUENCIES = ("day", "week", "month")
METRICS = ("revenue", "orders", "units")
LEVELS = ("total", "region", "channel", "category", "product")
ROLES = ("champion", "challenger", "shadow")

_FREQUENCY = text("frequency", "Length of a period", choices=FREQUENCIES)
_LEVEL = text("level", "Part of the business by which the series are cut", choices=LEVELS)
_SERIES = text("series_id", "Which part: `all`, a region, channel, department or product, or `other` for the rest")
_REGION = text("region", "The region of a series of level `region`: what a caller bound to regions may read", null=True)


def _bands() -> tuple[Column, ...]:
    return (
        real("mean", "Expected value"),
        real("median", "Value as likely to be passed as not"),
        real("lower_80", "Lower end of the 80 % interval"),
        real("upper_80", "Upper end of the 80 % interval"),
        real("lower_95", "Lower end of the 95 % interval"),
        real("upper_95", "Upper end of the 95 % interval"),
    )


FORECASTS = Table(
    zone="market_intel",
    name="forecasts",
    key=("metric", "frequency", "level", "series_id", "ds"),
    description="One row a metric, series and period ahead; means add up over the parts of the business",
    columns=(
        text("metric", "What is forecast", choices=METRICS),
        _FREQUENCY,
        _LEVEL,
        _SERIES,
        _REGION,
        text("parent_id", "Department that a product's series is part of; empty elsewhere", null=True),
        day("ds", "First day of the period"),
        whole("horizon", "Periods ahead of the last complete one, from 1", unit="periods"),
        *_bands(),
        text("chosen_model", "Model or combination the forecast comes from"),
        *PROD_TAIL,
    ),
    region_column="region",
)

FORECAST_BACKTESTS = Table(
    zone="market_intel",
    name="forecast_backtests",
    key=("metric", "frequency", "level", "series_id", "model"),
    description="One row a model tried on a series: how it did on rolling origins, and whether it was chosen",
    columns=(
        text("metric", "What was forecast", choices=METRICS),
        _FREQUENCY,
        _LEVEL,
        _SERIES,
        _REGION,
        text("model", "Model tried"),
        flag("chosen", "Whether the series is forecast by it"),
        text("why", "Why it was chosen, in words; empty where it was not", null=True),
        text("intervals", "Where the interval of the series comes from; empty where it was not chosen", null=True),
        day("tried_on", "Last complete day when it was tried: a choice stands until it is due again"),
        whole("horizon", "Periods forecast from each origin", unit="periods"),
        whole("origins", "Points in the past it was tried at"),
        real("rmse", "Root mean squared error", null=True),
        real("mae", "Mean absolute error", null=True),
        real("mape", "Mean absolute percentage error; empty where an actual is 0", null=True, unit="%"),
        real("smape", "Symmetric mean absolute percentage error, 0-200", null=True, unit="%"),
        real("mase", "Mean absolute error in multiples of the seasonal naive one's in the past", null=True),
        real("r2", "Coefficient of determination", null=True),
        real("pinball", "Mean quantile loss at 2.5, 10, 50, 90 and 97.5 %, in the metric's unit", null=True),
        real("bias_pct", "Mean error in % of the mean actual; above 0: forecast too high", null=True, unit="%"),
        share("coverage_80_pct", "Share of outcomes within the 80 % interval", null=True),
        share("coverage_95_pct", "Share of outcomes within the 95 % interval", null=True),
        real("seconds", "Time the model took for all series tried with this one", null=True, unit="s"),
        *PROD_TAIL,
    ),
    region_column="region",
)

FORECAST_ACCURACY = Table(
    zone="market_intel",
    name="forecast_accuracy",
    key=("metric", "frequency", "level", "series_id", "made_on", "horizon", "role"),
    description="One row a forecast made, at some horizons: what was expected, and what came once it has",
    columns=(
        text("metric", "What was forecast", choices=METRICS),
        _FREQUENCY,
        _LEVEL,
        _SERIES,
        _REGION,
        day("made_on", "Last day of the last complete period when the forecast was made"),
        day("ds", "First day of the period forecast"),
        whole("horizon", "Periods ahead when it was made, from 1", unit="periods"),
        text("role", "What the model version was then; only a champion's and a challenger's are shown", choices=ROLES),
        flag("published", "Whether it is what market_intel.forecasts said"),
        text("chosen_model", "Model or combination the forecast came from"),
        *_bands(),
        real("actual", "What came; empty until the period is over", null=True),
        real("error", "Mean forecast - actual", null=True),
        real("scaled_error", "Absolute error of the median in multiples of the seasonal naive one's", null=True),
        real("pinball", "Mean quantile loss at 2.5, 10, 50, 90 and 97.5 %, in the metric's unit", null=True),
        flag("within_80", "Whether the actual is within the 80 % interval", null=True),
        flag("within_95", "Whether the actual is within the 95 % interval", null=True),
        real("scale", "What scaled_error is a multiple of, when the forecast was made", null=True),
        *PROD_TAIL,
    ),
    region_column="region",
)
