"""What became of what was bought: deliveries and reviews."""

from shared.tables.checks import at_least, between, country, currency, in_order, no_card_number, opaque
from shared.tables.columns import CURATED_TAIL, flag, moment, money, text, whole
from shared.tables.columns import currency as currency_code
from shared.tables.model import Pii, Reference, Table

SHIPMENT_STATUSES = ("pending", "in_transit", "delivered", "lost", "returned")

SHIPMENTS = Table(
    zone="curated",
    name="shipments",
    key=("shipment_id",),
    description="One row a parcel sent for an order",
    columns=(
        text("shipment_id", "Stable id of the shipment", synonyms=("shipment", "delivery", "parcel")),
        text("order_id", "Order it belongs to"),
        text("carrier", "Who carries it"),
        text("status", "Where the parcel is", choices=SHIPMENT_STATUSES),
        text("destination_country", "Country it goes to, ISO 3166-1 alpha-2"),
        text("destination_region", "Region it goes to", null=True),
        text("address_hmac", "HMAC-SHA-256 of the address", null=True, pii=Pii.PERSONAL),
        moment("shipped_at", "When it left; shipments are dated by it", null=True),
        moment("delivered_at", "When it arrived", null=True),
        money("cost", "What the carrier charges us", synonyms=("shipping cost",)),
        currency_code("Currency of cost, ISO 4217"),
        *CURATED_TAIL,
    ),
    rules=(
        in_order("dates_in_order", "shipped_at", "delivered_at"),
        at_least("cost", 0),
        country("destination_country"),
        currency(),
        opaque("address_hmac"),
        no_card_number("carrier", "destination_region"),
    ),
    references=(Reference("order_id", "curated.orders", "order_id"),),
    region_column="destination_region",
    dated_by="shipped_at",
    amount="cost",
    by_month=True,
)

REVIEWS = Table(
    zone="curated",
    name="reviews",
    key=("review_id",),
    description="One row a review of a product by a customer",
    columns=(
        text("review_id", "Stable id of the review", synonyms=("review",)),
        text("product_id", "Product reviewed"),
        text("customer_id", "Who wrote it"),
        whole("rating", "Stars given, 1-5", kind="SMALLINT", unit="stars", synonyms=("stars", "score")),
        text("title", "Headline", null=True),
        text("body", "Text as written; people name themselves in it", null=True, pii=Pii.PERSONAL),
        flag("is_verified", "Whether the writer bought the product", null=True),
        moment("created_at", "When it was written"),
        *CURATED_TAIL,
    ),
    rules=(between("rating", 1, 5), no_card_number("title", "body")),
    references=(
        Reference("product_id", "curated.products", "product_id"),
        Reference("customer_id", "curated.customers", "customer_id"),
    ),
    dated_by="created_at",
)
