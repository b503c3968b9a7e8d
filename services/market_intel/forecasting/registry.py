"""Every model there is, one line each; its module is imported when the model is made, for some take seconds to load."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from typing import Any, Literal, cast

from services.market_intel.forecasting.model import Model, ModelNotInstalled
from services.market_intel.forecasting.panel import Panel

Cost = Literal["cheap", "expensive"]
HOME = "services.market_intel.forecasting.models"


@dataclass(frozen=True)
class Entry:
    """What is to be known of a model before it is made.

    Attributes:
        name: what callers ask for.
        title: what people read.
        place: `module:Class` within forecasting/models.
        cost: `cheap` answers thousands of series at once, `expensive` takes a second a series or trains first.
        least: periods below which it hands a series to a simpler model, and says so.
        regressors: whether it uses what is known ahead.
        components: whether its forecast comes with the parts that it adds up from.
        takes: options of its constructor, such as `country`.
        needs: library that not every installation has.
    """

    name: str
    title: str
    place: str
    cost: Cost
    least: int
    regressors: bool = False
    components: bool = False
    takes: tuple[str, ...] = ()
    needs: str = ""

    @property
    def there(self) -> bool:
        """Return whether the library that it needs is installed."""
        return not self.needs or installed(self.needs)

    def make(self, **options: Any) -> Model:
        """Return the model with those of the options that it takes.

        Raises:
            ModelNotInstalled: its library is not there, or what it is to be loaded from is not set.
        """
        if not self.there:
            remedy = "run `make deep`" if self.needs == "torch" else "install the extra market_intel"
            raise ModelNotInstalled(f"{self.title} needs {self.needs}, which is not installed; {remedy}")
        module, _, name = self.place.partition(":")
        made = getattr(import_module(f"{HOME}.{module}"), name)
        return cast(Model, made(**{key: value for key, value in options.items() if key in self.takes}))

    def ignored(self, panel: Panel) -> str:
        """Return a sentence on what the panel knows and this model does not use; empty where there is nothing."""
        if panel.regressors is None or self.regressors:
            return ""
        return f"{self.title} does not use regressors: {', '.join(panel.regressors.names)} made no difference"


def installed(library: str) -> bool:
    """Return whether a library can be imported, without doing so."""
    try:
        return find_spec(library) is not None
    except ValueError:
        return False


ENTRIES = (
    Entry("seasonal_naive", "Seasonal naive", "naive:SeasonalNaive", "cheap", 1),
    Entry("moving_average", "Moving average", "naive:MovingAverage", "cheap", 1),
    Entry("ets", "Exponential smoothing", "smoothing:ExponentialSmoothing", "cheap", 4),
    Entry("theta", "Theta", "theta:Theta", "cheap", 4),
    Entry("intermittent", "Intermittent demand (TSB)", "intermittent:Intermittent", "cheap", 1),
    Entry("regression", "Linear regression", "regression:Regression", "cheap", 8, True, True),
    Entry("arima", "ARIMA", "arima:Arima", "expensive", 12, True, True, ("fits",), "statsmodels"),
    Entry("prophet", "Prophet", "prophet:Prophet", "expensive", 12, True, True, ("country",), "prophet"),
    Entry("lstm", "LSTM", "lstm:Lstm", "expensive", 8, True, False, ("threads", "seed", "epochs"), "torch"),
    Entry("gbm", "Gradient boosting", "gbm:GradientBoosting", "expensive", 8, True, True, ("threads", "explained")),
    Entry("ensemble", "Ensemble", "ensemble:Ensemble", "cheap", 4),
    Entry(
        "pretrained", "Chronos", "pretrained:Pretrained", "expensive", 1, False, False, ("folder", "threads"), "torch"
    ),
)

MODELS: Mapping[str, Entry] = {entry.name: entry for entry in ENTRIES}
"""Name → model. `auto` is none: it is the choice among them."""


def title_of(name: str) -> str:
    """Return what people call a model; one that is no entry, such as a tuned one, has its name alone."""
    return MODELS[name].title if name in MODELS else name
