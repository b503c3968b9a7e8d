"""What visitors did and what it cost to bring them; what competitors ask; what currencies are worth."""

from shared.tables.checks import at_least, country, currency, positive
from shared.tables.columns import CURATED_TAIL, day, moment, money, real, text
from shared.tables.columns import currency as currency_code
from shared.tables.model import Reference, Table

CHANNELS = (
    "direct",
    "organic_search",
    "paid_search",
    "social",
    "email",
    "affiliate",
    "display",
    "referral",
)
EVENT_TYPES = (
    "page_view",
    "search",
    "product_view",
    "add_to_cart",
    "remove_from_cart",
    "wishlist_add",
    "checkout_start",
    "payment_submit",
    "purchase",
    "login",
    "logout",
    "support_contact",
    "email_open",
    "ad_click",
)
DEVICES = ("desktop", "mobile", "tablet", "pos")

WEB_EVENTS = Table(
    zone="curated",
    name="web_events",
    key=("event_id",),
    description="One row a thing a visitor did on the site or in the app",
    columns=(
        text("event_id", "Stable id of the event"),
        text("session_id", "Visit it belongs to", synonyms=("session", "visit")),
        text("customer_id", "Who it was, where signed in", null=True),
        moment("occurred_at", "When it happened"),
        text("event_type", "What was done", choices=EVENT_TYPES, synonyms=("event",)),
        text("product_id", "Product it was about", null=True),
        text("channel", "Marketing channel that brought the visit", choices=CHANNELS),
        text("campaign_id", "Campaign that brought the visit", null=True),
        text("device_type", "Device used", null=True, choices=DEVICES),
        text("country", "Country of the visitor, ISO 3166-1 alpha-2", null=True),
        *CURATED_TAIL,
    ),
    rules=(country(),),
    references=(
        Reference("customer_id", "curated.customers", "customer_id"),
        Reference("product_id", "curated.products", "product_id"),
    ),
    dated_by="occurred_at",
    by_month=True,
)

MARKETING_SPEND = Table(
    zone="curated",
    name="marketing_spend",
    key=("spend_on", "channel", "campaign_id"),
    description="One row a day, channel and campaign: what was spent on it",
    columns=(
        day("spend_on", "Day of the spend"),
        text("channel", "Marketing channel", choices=CHANNELS),
        text("campaign_id", "Campaign"),
        money("amount", "Money spent", synonyms=("marketing spend", "ad spend")),
        currency_code(),
        *CURATED_TAIL,
    ),
    rules=(at_least("amount", 0), currency()),
    region_free=True,
    dated_by="spend_on",
    amount="amount",
)

COMPETITOR_PRICES = Table(
    zone="curated",
    name="competitor_prices",
    key=("product_id", "competitor", "observed_on"),
    description="One row a product, competitor and day: the price seen",
    columns=(
        text("product_id", "Our product"),
        text("competitor", "Who sells it too", synonyms=("competitor", "rival")),
        money("price", "Price they ask", synonyms=("competitor price",)),
        currency_code(),
        day("observed_on", "Day it was seen"),
        *CURATED_TAIL,
    ),
    rules=(positive("price"), currency()),
    references=(Reference("product_id", "curated.products", "product_id"),),
    region_free=True,
    dated_by="observed_on",
    by_month=True,
)

EXCHANGE_RATES = Table(
    zone="curated",
    name="exchange_rates",
    key=("rate_on", "base_code", "quote_code"),
    description="One row a day and pair of currencies",
    columns=(
        day("rate_on", "Day of the rate"),
        text("base_code", "Currency converted from, ISO 4217"),
        text("quote_code", "Currency converted to, ISO 4217"),
        real("rate", "Units of quote_code that one unit of base_code buys"),
        *CURATED_TAIL,
    ),
    rules=(currency("base_code"), currency("quote_code"), positive("rate")),
    region_free=True,
    dated_by="rate_on",
)
