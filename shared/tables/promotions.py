"""Offers made to customers."""

from shared.tables.checks import at_least, between, currency, in_order, no_card_number
from shared.tables.columns import CURATED_TAIL, day, money, share, text
from shared.tables.columns import currency as currency_code
from shared.tables.model import Reference, Table

KINDS = ("coupon", "price_cut", "bundle", "campaign")

PROMOTIONS = Table(
    zone="curated",
    name="promotions",
    key=("promotion_id",),
    description="One row a promotion: a coupon, price cut, bundle or campaign with its dates",
    columns=(
        text("promotion_id", "Stable id of the promotion", synonyms=("promotion", "promo", "offer", "campaign")),
        text("name", "Name of the promotion"),
        text("kind", "What sort of promotion it is", choices=KINDS),
        text("channel", "Channel it was announced through", null=True),
        day("starts_on", "First day it runs"),
        day("ends_on", "Last day it runs"),
        share("discount_pct", "Discount it gives", null=True),
        money("budget", "Money set aside for it", null=True),
        currency_code("Currency of the budget, ISO 4217", null=True),
        *CURATED_TAIL,
    ),
    rules=(
        in_order("dates_in_order", "starts_on", "ends_on"),
        between("discount_pct", 0, 100),
        at_least("budget", 0),
        currency(),
        no_card_number("name", "channel"),
    ),
    region_free=True,
)

PROMOTION_PRODUCTS = Table(
    zone="curated",
    name="promotion_products",
    key=("promotion_id", "product_id"),
    description="One row a product that a promotion holds for",
    columns=(
        text("promotion_id", "The promotion"),
        text("product_id", "A product it holds for"),
        *CURATED_TAIL,
    ),
    references=(
        Reference("promotion_id", "curated.promotions", "promotion_id"),
        Reference("product_id", "curated.products", "product_id"),
    ),
    region_free=True,
)
