"""The market analytics of the Market Intelligence Hub: what was sold by day and dimension, trends, prices.

The cuts are of a grain that questions over any period are answered from by adding up, with Arrow alone. All but those
about prices have a region column, so that callers bound to regions are answered over the rows of their regions.
"""

from shared.tables.columns import PROD_TAIL, currency, day, flag, moment, money, real, share, text, whole
from shared.tables.model import Column, Table

FREQUENCIES = ("day", "week", "month")
TREND_METRICS = ("revenue", "orders", "units", "aov", "active_customers")
DRIVERS = (
    "lost_customers",
    "new_customers",
    "returning_customers",
    "volume",
    "mix",
    "price",
    "fees_and_taxes",
)
EVERYWHERE = "all"
"""Region of rows over all regions; callers bound to regions do not see them."""
TRAITS = ("payment_method", "device", "segment")
OTHER = "other"
"""Stands for what is too small to be kept apart."""

_PLACE = (
    text("channel", "Sales channel of the order"),
    text("country", "Country of the sale, ISO 3166-1 alpha-2"),
    text("region", "Region of the sale; `unknown` where it is"),
    currency(),
)
_PLACE_KEY = ("channel", "country", "region", "currency_code")
_DEVICE = text("device_type", "Device the order was placed on; `unknown` where it is")
_DAY = day("ds", "Day of the order, UTC")
_MONTH = day("ds", "First day of the month")


def _cut(name: str, key: tuple[str, ...], description: str, *columns: Column) -> Table:
    """Return a table that a region-bound caller sees the rows of their regions of."""
    return Table("market_intel", name, key, (*columns, *PROD_TAIL), description, region_column="region")


def _free(name: str, key: tuple[str, ...], description: str, *columns: Column) -> Table:
    """Return a table in which nothing belongs to one region's people."""
    return Table("market_intel", name, key, (*columns, *PROD_TAIL), description, region_free=True)


def _sold(most: str) -> tuple[Column, ...]:
    """Return what is said of sales by product, where `most` products stand for themselves."""
    return (
        text("product_id", f"The product; `other` for those beyond the {most} of the largest sales"),
        text("product_name", "Its name; `other` for those"),
        text("category_id", "The product's own category"),
        text("department_id", "Top-level category it belongs to"),
        text("brand", "Brand; `unknown` where it is"),
        *_PLACE,
        whole("units", "Units sold", kind="BIGINT", unit="units"),
        money("sales", "Sales of the lines"),
    )


REVENUE_DAILY = _cut(
    "revenue_daily",
    ("ds", "device_type", *_PLACE_KEY),
    "One row a day, channel, device and place: what was ordered and sold",
    _DAY,
    _DEVICE,
    *_PLACE,
    whole("orders", "Orders placed", kind="BIGINT", unit="orders"),
    whole("valid_orders", "Orders neither cancelled nor returned", kind="BIGINT", unit="orders"),
    whole("units", "Units on valid orders", kind="BIGINT", unit="units"),
    money("revenue", "Sum of totals of valid orders"),
    money("sales", "Sales of the lines of valid orders"),
    money("discount", "Discounts given on valid orders"),
    money("tax", "Tax charged on valid orders"),
    money("shipping_fees", "Shipping fees that customers paid on valid orders"),
)

REVENUE_HOURLY = _cut(
    "revenue_hourly",
    ("hour_at", *_PLACE_KEY),
    "One row an hour, channel and place: what was ordered and sold",
    moment("hour_at", "Beginning of the hour"),
    *_PLACE,
    whole("orders", "Orders placed", kind="BIGINT", unit="orders"),
    whole("valid_orders", "Orders neither cancelled nor returned", kind="BIGINT", unit="orders"),
    money("revenue", "Sum of totals of valid orders"),
)

PAYMENTS_DAILY = _cut(
    "payments_daily",
    ("ds", "payment_method", "device_type", *_PLACE_KEY),
    "One row a day of orders, payment method, channel, device and place: revenue by how it was paid, and the fees",
    _DAY,
    text("payment_method", "Method of the order's largest payment that did not fail; `unknown` where it has none"),
    _DEVICE,
    *_PLACE,
    whole("orders", "Orders placed", kind="BIGINT", unit="orders"),
    whole("valid_orders", "Orders neither cancelled nor returned", kind="BIGINT", unit="orders"),
    money("revenue", "Sum of totals of valid orders"),
    money("fees", "Fees that payment providers took of payments of valid orders, in the order's currency"),
)

CUSTOMER_DAILY = _cut(
    "customer_daily",
    ("ds", "customer_id", *_PLACE_KEY),
    "One row a day, customer, channel and place: what they ordered and bought; guests stand together, without an id",
    _DAY,
    text("customer_id", "The customer; an empty text for guests"),
    *_PLACE,
    whole("orders", "Orders placed", kind="BIGINT", unit="orders"),
    whole("valid_orders", "Orders neither cancelled nor returned", kind="BIGINT", unit="orders"),
    whole("units", "Units on valid orders", kind="BIGINT", unit="units"),
    money("revenue", "Sum of totals of valid orders"),
    money("sales", "Sales of the lines of valid orders"),
    real("sales_at_reference", "Their units, each at its product's mean price over all days", unit="currency_code"),
)

SALES_DAILY = _cut(
    "sales_daily",
    ("ds", "category_id", *_PLACE_KEY),
    "One row a day, category, channel and place: lines of valid orders with what is known of their cost",
    _DAY,
    text("category_id", "The products' own category"),
    text("department_id", "Top-level category it belongs to"),
    *_PLACE,
    whole("units", "Units sold", kind="BIGINT", unit="units"),
    money("sales", "Sales of the lines"),
    real("sales_at_reference", "The units, each at its product's mean price over all days", unit="currency_code"),
    money("sales_with_cost", "Sales of the lines whose unit cost is known"),
    money("cost", "Units × unit cost of those lines"),
)

SALES_MONTHLY = _cut(
    "sales_monthly",
    ("ds", "product_id", "category_id", "brand", *_PLACE_KEY),
    "One row a month, product (the 2,000 sold most, the others together), channel and place: lines of valid orders",
    _MONTH,
    *_sold("2,000"),
    money("sales_with_cost", "Sales of the lines whose unit cost is known"),
    money("cost", "Units × unit cost of those lines"),
)

ORDERS_MONTHLY = _cut(
    "orders_monthly",
    ("ds", "segment", "payment_method", "device_type", *_PLACE_KEY),
    "One row a month, RFM segment, payment method, device, channel and place: what was ordered",
    _MONTH,
    text("segment", "RFM segment of the customer at the last run; `guest` for guests, `unknown` where there is none"),
    text("payment_method", "Method of the order's largest payment that did not fail; `unknown` where it has none"),
    _DEVICE,
    *_PLACE,
    whole("orders", "Orders placed", kind="BIGINT", unit="orders"),
    whole("valid_orders", "Orders neither cancelled nor returned", kind="BIGINT", unit="orders"),
    money("revenue", "Sum of totals of valid orders"),
)

SALES_BY_TRAIT_MONTHLY = _cut(
    "sales_by_trait_monthly",
    ("ds", "trait", "trait_value", "product_id", "category_id", "brand", *_PLACE_KEY),
    "One row a month, trait of the order, product (the 200 sold most, the others together), channel and place: lines of"
    " valid orders, each once for every trait, so that only the rows of one trait may be added up",
    _MONTH,
    text("trait", "What of the order is looked at", choices=TRAITS),
    text("trait_value", "Payment method, device or RFM segment of the order, as in orders_monthly"),
    *_sold("200"),
)

SHIPPING_DAILY = _cut(
    "shipping_daily",
    ("ds", *_PLACE_KEY),
    "One row a day of orders, channel and place: what carriers charged for the parcels of valid orders",
    _DAY,
    *_PLACE,
    whole("parcels", "Parcels sent", kind="BIGINT", unit="parcels"),
    money("cost", "What carriers charge for them"),
)

MARKETING_DAILY = _cut(
    "marketing_daily",
    ("ds", *_PLACE_KEY),
    "One row a day, channel and place of valid orders: the part of the day's marketing spend that falls on them",
    _DAY,
    *_PLACE,
    money("spend", "Part of the spend; of days without an order it stands at channel and region `unknown`"),
)

TRENDS = _cut(
    "trends",
    ("metric", "frequency", "region", "ds"),
    "One row a metric, region and complete period: growth, momentum and whether it is out of line",
    text("metric", "What is looked at", choices=TREND_METRICS),
    text("frequency", "Length of a period", choices=FREQUENCIES),
    text("region", "Region of the sale; `all` for the whole"),
    day("ds", "First day of the period"),
    real("value", "The metric in the period", null=True),
    text("unit", "Unit of the metric; a currency, or `mixed` where amounts of several were added up as they stand"),
    share("growth_pct", "Change against the period before", null=True),
    share("growth_week_pct", "Change against a week before", null=True),
    share("growth_month_pct", "Change against a month before", null=True),
    share("growth_year_pct", "Change against the same period a year before", null=True),
    real("moving_average", "Mean of the last 7 days, 4 weeks or 3 months", null=True),
    share("momentum_pct", "Change of that mean against the one of as many periods before", null=True),
    real("trend", "Trend of the robust STL decomposition", null=True),
    real("seasonal", "Its seasonal part", null=True),
    real("anomaly_score", "What is left, in robust standard deviations", null=True),
    flag("is_anomaly", "Whether that is 3.5 or more either way"),
)

COMPETITIVE_PRICING = _free(
    "competitive_pricing",
    ("product_id", "competitor"),
    "One row a product and competitor: their latest price against ours",
    text("product_id", "Our product"),
    text("product_name", "Its name"),
    text("category_id", "Its category"),
    text("brand", "Its brand", null=True),
    text("competitor", "Who sells it too"),
    money("list_price", "Our price"),
    text("currency_code", "Currency of our price, gap and competitor_price, ISO 4217"),
    money("competitor_price", "Their latest price, converted; empty where no rate leads to our currency", null=True),
    money("price_seen", "Their latest price as it was seen", unit="price_currency_code"),
    text("price_currency_code", "Currency it was seen in, ISO 4217"),
    day("observed_on", "Day it was seen"),
    money("gap", "Our price - theirs", null=True),
    share("gap_pct", "The gap in % of theirs", null=True),
    real("price_index", "Our price ÷ theirs × 100", null=True),
    flag("undercuts", "Whether theirs is lower", null=True),
    whole("price_rank", "Place of our price among all sellers of the product, 1 is the lowest", kind="BIGINT"),
    whole("sellers", "Sellers whose prices can be compared, ourselves among them", kind="BIGINT"),
)

PRICE_WARS = _free(
    "price_wars",
    ("category_id", "competitor", "starts_on"),
    "One row a stretch in which a competitor's prices in a department stayed well below their own usual level",
    text("category_id", "Department of the products"),
    text("competitor", "Who cut prices"),
    day("starts_on", "First observation below the level"),
    day("ends_on", "Last observation below it; the latest there is where it goes on"),
    flag("is_ongoing", "Whether the latest observation is still below it"),
    whole("observations", "Observations below it", kind="BIGINT"),
    whole("products", "Products compared at its widest", kind="BIGINT", unit="products"),
    share("depth_pct", "Deepest median cut against their usual level"),
    share("undercut_before_pct", "Share of those products they sold for less than we before it", null=True),
    share("undercut_pct", "Share of those products they sell for less than we during it"),
    share("own_response_pct", "Change of our own mean selling prices of those products meanwhile", null=True),
    flag("is_mutual", "Whether our own prices fell by 2 % or more meanwhile: successive undercutting"),
)

PRODUCT_PERFORMANCE = _cut(
    "product_performance",
    ("product_id", "region", "currency_code"),
    "One row a product sold in the last 180 days and region: the last 90 days against the 90 before",
    text("product_id", "The product"),
    text("name", "Its name"),
    text("brand", "Its brand; `unknown` where it is"),
    text("category_id", "Its own category"),
    text("department_id", "Top-level category it belongs to"),
    text("region", "Region of the sale; `all` for the whole"),
    currency(),
    whole("units", "Units sold in the last 90 days", kind="BIGINT", unit="units"),
    whole("units_before", "Units sold in the 90 days before", kind="BIGINT", unit="units"),
    money("sales", "Sales in the last 90 days"),
    money("sales_before", "Sales in the 90 days before"),
    share("growth_pct", "Change of sales; empty where there were none before", null=True),
    share("share_of_category_pct", "Share of the category's sales in the last 90 days", null=True),
    share("category_growth_pct", "Change of the category's sales", null=True),
    real("unit_price", "Sales a unit in the last 90 days", null=True, unit="currency_code"),
    money("gross_profit", "Sales - units × unit cost; empty where the cost is unknown", null=True),
    share("margin_pct", "Gross profit in % of sales", null=True),
    whole("customers", "Customers who bought it in the last 90 days", kind="BIGINT", unit="customers"),
    share("penetration_pct", "Those in % of the customers who bought anything in the region", null=True),
    real("velocity", "Units a day in the last 90 days, from its first sale where that is later", unit="units/day"),
    real("brand_velocity", "Mean velocity of the brand's products in the same region", null=True, unit="units/day"),
    share("velocity_vs_brand_pct", "Its velocity in % of that mean", null=True),
    day("last_sold_on", "Day of its last sale"),
    whole("days_since_sold", "Days from then to the batch clock", kind="BIGINT", unit="days"),
    flag("is_at_risk", "Whether one of the reasons holds"),
    text("risk_reasons", "Why, in words, separated by `; `; empty where it is not at risk", null=True),
)

REVENUE_DRIVERS = Table(
    "market_intel",
    "revenue_drivers",
    ("period_on", "currency_code", "dimension", "segment", "driver"),
    (
        day("period_on", "First day of the month, which is compared with the month before"),
        currency(),
        text("dimension", "What segments are cut by; `all`: the whole"),
        text("segment", "The segment; `all` for the whole"),
        text("driver", "What moved it", choices=DRIVERS),
        money("contribution", "Part of the change of the dimension that it explains; they add up to it to the cent"),
        *PROD_TAIL,
    ),
    "One row a complete month, segment and driver: what it did to revenue; those of a dimension add up to the change",
)

MARKET_ANALYTICS = (
    TRENDS,
    COMPETITIVE_PRICING,
    PRICE_WARS,
    REVENUE_DAILY,
    REVENUE_HOURLY,
    PAYMENTS_DAILY,
    CUSTOMER_DAILY,
    SALES_DAILY,
    SALES_MONTHLY,
    ORDERS_MONTHLY,
    SALES_BY_TRAIT_MONTHLY,
    SHIPPING_DAILY,
    MARKETING_DAILY,
    PRODUCT_PERFORMANCE,
    REVENUE_DRIVERS,
)
