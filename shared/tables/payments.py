"""How orders were paid. No card number or CVV has a column here: what stands in for it is token, BIN and last four."""

from shared.tables.checks import at_least, between, country, currency, matches, no_card_number, opaque
from shared.tables.columns import CURATED_TAIL, flag, moment, money, real, text
from shared.tables.columns import currency as currency_code
from shared.tables.model import Pii, Reference, Table

METHODS = ("card", "paypal", "bank_transfer", "gift_card", "cash")
STATUSES = ("authorized", "captured", "failed", "refunded", "chargeback")

PAYMENTS = Table(
    zone="curated",
    name="payments",
    key=("payment_id",),
    description="One row a payment made or tried for an order",
    columns=(
        text("payment_id", "Stable id of the payment", synonyms=("payment",)),
        text("order_id", "Order it pays"),
        text("method", "How it was paid", choices=METHODS, synonyms=("payment method",)),
        money("amount", "Amount paid or tried"),
        currency_code("Currency of amount and fee, ISO 4217"),
        text("status", "What became of the payment", choices=STATUSES),
        text("card_brand", "Card brand, such as visa", null=True),
        text("card_bin", "First six digits of the card: the bank identification number", null=True, pii=Pii.PERSONAL),
        text("card_last4", "Last four digits of the card", null=True, pii=Pii.PERSONAL),
        text("card_token", "HMAC-SHA-256 of the card number under a rotating key", null=True, pii=Pii.PERSONAL),
        money("fee", "Fee the payment provider took", null=True),
        text("billing_country", "Country of the billing address, ISO 3166-1 alpha-2", null=True),
        text("billing_address_hmac", "HMAC-SHA-256 of the billing address", null=True, pii=Pii.PERSONAL),
        text("ip_country", "Country of the caller's IP address, ISO 3166-1 alpha-2", null=True),
        real("ip_latitude", "Latitude of the caller's IP address, WGS 84", null=True, unit="degrees", pii=Pii.PERSONAL),
        real("ip_longitude", "Longitude of the same", null=True, unit="degrees", pii=Pii.PERSONAL),
        text("device_id", "Fingerprint of the device", null=True, pii=Pii.PERSONAL),
        text("merchant_category", "Merchant category code, ISO 18245", null=True),
        moment("authorized_at", "When the payment was authorised; payments are dated by it"),
        *CURATED_TAIL,
    ),
    rules=(
        at_least("amount", 0),
        at_least("fee", 0),
        currency(),
        country("billing_country"),
        country("ip_country"),
        matches("card_bin", "^[0-9]{6}$", "six digits"),
        matches("card_last4", "^[0-9]{4}$", "four digits"),
        opaque("card_token"),
        opaque("billing_address_hmac"),
        matches("merchant_category", "^[0-9]{4}$", "four digits"),
        between("ip_latitude", -90, 90),
        between("ip_longitude", -180, 180),
        no_card_number("card_brand"),
    ),
    references=(Reference("order_id", "curated.orders", "order_id"),),
    dated_by="authorized_at",
    amount="amount",
    by_month=True,
)

FRAUD_LABELS = Table(
    zone="curated",
    name="fraud_labels",
    key=("payment_id",),
    description="One row a payment known to be fraud or not",
    columns=(
        text("payment_id", "The payment"),
        flag("is_fraud", "Whether it was fraud"),
        moment("labelled_at", "When that became known"),
        text("label_source", "Who said so, such as chargeback or investigator"),
        *CURATED_TAIL,
    ),
    rules=(no_card_number("label_source"),),
    references=(Reference("payment_id", "curated.payments", "payment_id"),),
    dated_by="labelled_at",
)
