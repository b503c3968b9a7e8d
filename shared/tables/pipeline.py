"""What the pipeline keeps of its own work: how good the tables are and how they tie to their source."""

from __future__ import annotations

from shared.tables.columns import flag, moment, money, real, text, whole
from shared.tables.model import Column, Table

DIMENSIONS = ("completeness", "freshness", "validity", "uniqueness", "consistency", "drift", "volume", "score")
STATUSES = ("ok", "warn", "fail")
STAGES = ("source", "raw", "curated", "prod")

_RUN = text("run_id", "Run that measured it; names sort as runs began")
_TABLE = text("table_name", "Full name of the table, such as curated.orders")
_COLUMN = text("column_name", "Column of that table; empty: the table as a whole")
_MEASURED = moment("measured_at", "When the run that measured it began")


def _version() -> Column:
    return whole("lake_version", "Version of the table that was measured", kind="BIGINT")


QUALITY_METRICS = Table(
    zone="pipeline",
    name="quality_metrics",
    key=("run_id", "table_name", "column_name", "metric", "item"),
    description="One row a measured property of a table or column, each time the table changed",
    columns=(
        _RUN,
        _TABLE,
        _COLUMN,
        text("metric", "What was measured, such as filled_share or psi; docs/quality.md has the formulas"),
        text("item", "What it was measured for, such as the rule of a quarantined share; empty: nothing narrower"),
        text("dimension", "Dimension of quality it belongs to", choices=DIMENSIONS),
        real("value", "The figure; empty where there is too little to tell", null=True),
        real("threshold", "Bound that the status was judged by; empty: none", null=True),
        text("status", "ok, warn or fail", choices=STATUSES),
        _version(),
        _MEASURED,
    ),
    region_free=True,
)

COLUMN_PROFILES = Table(
    zone="pipeline",
    name="column_profiles",
    key=("run_id", "table_name", "column_name"),
    description="One row a column of a table, each time the table changed: what its values look like",
    columns=(
        _RUN,
        _TABLE,
        text("column_name", "Column of that table"),
        whole("row_count", "Rows of the table", kind="BIGINT", unit="rows"),
        whole("filled_count", "Rows in which the column is filled", kind="BIGINT", unit="rows"),
        whole("distinct_count", "Different values, approximate; empty for personal columns", kind="BIGINT", null=True),
        text("min_value", "Smallest value as text; empty for personal columns", null=True),
        text("max_value", "Largest value as text; empty for personal columns", null=True),
        real("mean_value", "Mean of a numeric column", null=True),
        real("stddev_value", "Standard deviation of a numeric column", null=True),
        text("quantiles", "Deciles of a numeric column, approximate, as a JSON list", null=True),
        text("top_values", "Most frequent values with their rows, as a JSON object", null=True),
        text("bins", "Shares that drift is measured on, as a JSON object of value or bin to rows", null=True),
        flag("is_accepted", "True: later profiles are compared with this one"),
        _version(),
        _MEASURED,
    ),
)

RECONCILIATION = Table(
    zone="pipeline",
    name="reconciliation",
    key=("table_name", "day", "stage", "reason", "currency_code"),
    description="The ledger: rows and money of a table and day at each stage, and why one stage differs from the next",
    columns=(
        text("table_name", "Full name of the table the lines are about"),
        text("day", "UTC day the rows count on, such as 2017-03-01; empty: undated, or all days"),
        text("stage", "Stage the line stands at", choices=STAGES),
        text("reason", "given, live, kept, counted, why rows left on the way there, or unexplained"),
        text("currency_code", "Currency of the amount, ISO 4217; empty: no amount, or currencies mixed as stored"),
        whole("row_count", "Rows", kind="BIGINT", unit="rows"),
        money("amount", "Sum of the table's amount over those rows", null=True),
        _RUN,
        moment("computed_at", "When the run that wrote the line began"),
    ),
)

PIPELINE = (QUALITY_METRICS, COLUMN_PROFILES, RECONCILIATION)
