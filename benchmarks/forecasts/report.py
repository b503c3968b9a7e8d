"""What was measured, as text, as tables of docs/forecasting.md, and as a plot."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

PAGE = Path("docs/forecasting.md")
PLOT = Path("docs/images/forecasts.png")
BEGIN, END = "<!-- measured: make evaluate-forecasts -->", "<!-- end of measured -->"
OURS = (
    "auto",
    "auto, cheap",
    "gbm",
    "arima",
    "ets",
    "theta",
    "regression",
    "intermittent",
    "moving_average",
    "seasonal_naive",
)
HEAD = ("model", "MASE", "quantile loss", "covered 80 %", "95 %", "bias %", "worse than naive %", "seconds")


def rows(result: dict[str, Any]) -> list[tuple[str, ...]]:
    """Return the rows of one panel's table, ours first."""
    models = result["models"]
    order = [name for name in OURS if name in models] + [name for name in models if name not in OURS]
    return [row(name, models[name]) for name in order]


def row(name: str, one: dict[str, Any]) -> tuple[str, ...]:
    seconds = one["seconds"]
    return (
        name,
        with_interval(one["mase"], one["mase_interval"]),
        with_interval(one["ql"], one["ql_interval"]),
        f"{one['coverage_80_pct']:.1f}",
        f"{one['coverage_95_pct']:.1f}",
        f"{one['bias_pct']:+.1f}",
        f"{one['worse_than_naive_pct']:.0f}",
        "" if seconds is None else f"{seconds:.1f}",
    )


def with_interval(value: float, interval: Sequence[float] | None) -> str:
    return f"{value:.3f}" + (f" [{interval[0]:.3f}, {interval[1]:.3f}]" if interval else "")


def verdict(result: dict[str, Any]) -> list[str]:
    """Return each target, and whether it was met."""
    auto = result["models"]["auto"]
    others = {name: one for name, one in result["models"].items() if name not in OURS}
    found = []
    for key, label in (("mase", "MASE"), ("ql", "quantile loss")):
        if others:
            best = min(others, key=lambda name: others[name][key])
            met = "met" if auto[key] < others[best][key] else "MISSED"
            found.append(f"{label} {auto[key]:.3f} against {others[best][key]:.3f} of the best peer, {best}: {met}")
    covered, bias = auto["coverage_80_pct"], auto["bias_pct"]
    found.append(f"80 % interval covers {covered:.1f} % (77-83): {'met' if 77 <= covered <= 83 else 'MISSED'}")
    by_origin = ", ".join(f"{one:+.0f}" for one in auto["bias_by_origin"])
    found.append(f"bias {bias:+.1f} % (within 5; by origin {by_origin}): {'met' if abs(bias) <= 5 else 'MISSED'}")
    return found


def text(result: dict[str, Any]) -> str:
    """Return one panel's figures for a terminal."""
    table = [HEAD, *rows(result)]
    widths = [max(len(one[column]) for one in table) for column in range(len(HEAD))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(one, widths, strict=True)) for one in table]
    return "\n".join([f"\n{result['name']}: {result['about']}", *lines, *(f"-> {one}" for one in verdict(result))])


def section(result: dict[str, Any]) -> str:
    """Return one panel's figures in Markdown."""
    table = ["| " + " | ".join(HEAD) + " |", "|---|" + "---|" * (len(HEAD) - 1)]
    table += ["| " + " | ".join(one) + " |" for one in rows(result)]
    horizons = "; ".join(
        f"{one['from']}–{one['to']}: covered {one['coverage_80_pct']:.1f} %, bias {one['bias_pct']:+.1f} %"
        + (f", MAPE of the sum {one['mape_of_sum_pct']:.1f} %" if one["mape_of_sum_pct"] is not None else "")
        for one in result["models"]["auto"]["by_horizon"]
    )
    return "\n".join(
        [
            f"### {result['name']}",
            "",
            f"{result['about']}: {result['series']} series, {result['zeros_pct']:.0f} % of periods zero, horizon "
            f"{result['horizon']}, 3 origins, {result['models']['auto']['scored']} forecasts scored.",
            "",
            *table,
            "",
            *(f"- {one}" for one in verdict(result)),
            f"- auto by periods ahead: {horizons}",
            "",
        ]
    )


def write(results: Sequence[dict[str, Any]]) -> None:
    """Put the tables between the two marks of the page, and the plot beside it."""
    page = PAGE.read_text()
    before, rest = page.split(BEGIN, 1)
    after = rest.split(END, 1)[1]
    sections = "\n".join(section(one) for one in results)
    PAGE.write_text(f"{before}{BEGIN}\n\n{sections}\n{END}{after}")
    print(f"wrote {PAGE}")
    if find_spec("matplotlib") is None:
        print("no plot: pip install matplotlib")
        return
    plot(results)
    print(f"wrote {PLOT}")


def plot(results: Sequence[dict[str, Any]]) -> None:
    """Draw MASE and coverage of every model on every panel."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, (left, right) = pyplot.subplots(1, 2, figsize=(11, 0.9 * len(results) + 1.6), sharey=True)
    for place, result in enumerate(results):
        for name, one in result["models"].items():
            auto = name == "auto"
            style = {"color": "#c2410c" if auto else "#0f766e" if name in OURS else "#64748b"}
            style |= {"marker": "D" if auto else "o" if name in OURS else "x", "s": 60 if auto else 28}
            left.scatter(one["mase"] / result["models"]["seasonal_naive"]["mase"], place, **style)
            right.scatter(one["coverage_80_pct"], place, **style)
    left.set_yticks(range(len(results)), [one["name"] for one in results])
    left.set_xlabel("MASE in multiples of the seasonal naive forecast's (diamond: auto, dots: ours, crosses: peers)")
    right.set_xlabel("covered by the 80 % interval, %")
    right.axvspan(77, 83, color="#d1fae5", zorder=0)
    figure.tight_layout()
    PLOT.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(PLOT, dpi=110)
