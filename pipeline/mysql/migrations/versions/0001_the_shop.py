"""The shop's tables, with the columns that never leave it."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "categories",
        sa.Column(
            "category_id",
            sa.String(length=64),
            autoincrement=False,
            nullable=False,
            comment="Stable id of the category",
        ),
        sa.Column(
            "name", sa.String(length=255), autoincrement=False, nullable=False, comment="Name as shown to people"
        ),
        sa.Column(
            "parent_category_id",
            sa.String(length=64),
            autoincrement=False,
            nullable=True,
            comment="Category it belongs to; empty for a department",
        ),
        sa.PrimaryKeyConstraint("category_id"),
        comment="One row a category; a category without a parent is a department",
        mysql_charset="utf8mb4",
        mysql_collate="utf8mb4_bin",
        mysql_engine="InnoDB",
    )
    op.create_index("ix_categories_parent_category_id", "categories", ["parent_category_id"], unique=False)
    op.create_table(
        "competitor_prices",
        sa.Column("product_id", sa.String(length=64), autoincrement=False, nullable=False, comment="Our product"),
        sa.Column("competitor", sa.String(length=64), autoincrement=False, nullable=False, comment="Who sells it too"),
        sa.Column(
            "price", sa.Numeric(precision=18, scale=2), autoincrement=False, nullable=False, comment="Price they ask"
        ),
        sa.Column(
            "currency_code",
            sa.String(length=3),
            autoincrement=False,
            nullable=False,
            comment="Currency of the amounts in this row, ISO 4217",
        ),
        sa.Column("observed_on", sa.Date(), autoincrement=False, nullable=False, comment="Day it was seen"),
        sa.PrimaryKeyConstraint("product_id", "competitor", "observed_on"),
        comment="One row a product, competitor and day: the price seen",
        mysql_charset="utf8mb4",
        mysql_collate="utf8mb4_bin",
        mysql_engine="InnoDB",
    )
    op.create_index("ix_competitor_prices_observed_on", "competitor_prices", ["observed_on"], unique=False)
    op.create_table(
        "customers",
        sa.Column(
            "customer_id",
            sa.String(length=64),
            autoincrement=False,
            nullable=False,
            comment="Stable id of the customer",
        ),
        sa.Column("full_name", sa.String(length=255), autoincrement=False, nullable=True, comment="Name in full"),
        sa.Column(
            "email_masked",
            sa.String(length=255),
            autoincrement=False,
            nullable=True,
            comment="E-mail address with all but its ends starred out",
        ),
        sa.Column(
            "email_hmac",
            sa.String(length=255),
            autoincrement=False,
            nullable=True,
            comment="HMAC-SHA-256 of the e-mail address, for matching",
        ),
        sa.Column(
            "registered_at",
            mysql.DATETIME(fsp=6),
            autoincrement=False,
            nullable=True,
            comment="When the customer registered",
        ),
        sa.Column(
            "country",
            sa.String(length=2),
            autoincrement=False,
            nullable=False,
            comment="Country of residence, ISO 3166-1 alpha-2",
        ),
        sa.Column(
            "region",
            sa.String(length=255),
            autoincrement=False,
            nullable=True,
            comment="State, province or other region within the country",
        ),
        sa.Column("city", sa.String(length=255), autoincrement=False, nullable=True, comment="City or town"),
        sa.Column(
            "age_band",
            sa.String(length=255),
            autoincrement=False,
            nullable=True,
            comment="Age group as the source gives it, such as 25-34",
        ),
        sa.Column(
            "income_band",
            sa.String(length=255),
            autoincrement=False,
            nullable=True,
            comment="Income group as the source gives it, such as 50-74K",
        ),
        sa.Column(
            "household_size", sa.SmallInteger(), autoincrement=False, nullable=True, comment="People in the household"
        ),
        sa.Column(
            "marketing_opt_in",
            sa.Boolean(),
            autoincrement=False,
            nullable=True,
            comment="Whether the customer agreed to marketing",
        ),
        sa.Column("latitude", sa.Double(), autoincrement=False, nullable=True, comment="Latitude of residence, WGS 84"),
        sa.Column(
            "longitude", sa.Double(), autoincrement=False, nullable=True, comment="Longitude of residence, WGS 84"
        ),
        sa.Column("email", sa.String(length=254), nullable=True, comment="Never leaves this database"),
        sa.Column("phone", sa.String(length=32), nullable=True, comment="Never leaves this database"),
        sa.Column("address_line1", sa.String(length=255), nullable=True, comment="Never leaves this database"),
        sa.Column("address_line2", sa.String(length=255), nullable=True, comment="Never leaves this database"),
        sa.Column("postal_code", sa.String(length=16), nullable=True, comment="Never leaves this database"),
        sa.Column("date_of_birth", sa.Date(), nullable=True, comment="Never leaves this database"),
        sa.Column("password_hash", sa.String(length=255), nullable=True, comment="Never leaves this database"),
        sa.PrimaryKeyConstraint("customer_id"),
        comment="One row a customer: a person or household that has an account or a loyalty card",
        mysql_charset="utf8mb4",
        mysql_collate="utf8mb4_bin",
        mysql_engine="InnoDB",
    )
    op.create_table(
        "exchange_rates",
        sa.Column("rate_on", sa.Date(), autoincrement=False, nullable=False, comment="Day of the rate"),
        sa.Column(
            "base_code",
            sa.String(length=64),
            autoincrement=False,
            nullable=False,
            comment="Currency converted from, ISO 4217",
        ),
        sa.Column(
            "quote_code",
            sa.String(length=64),
            autoincrement=False,
            nullable=False,
            comment="Currency converted to, ISO 4217",
        ),
        sa.Column(
            "rate",
            sa.Double(),
            autoincrement=False,
            nullable=False,
            comment="Units of quote_code that one unit of base_code buys",
        ),
        sa.PrimaryKeyConstraint("rate_on", "base_code", "quote_code"),
        comment="One row a day and pair of currencies",
        mysql_charset="utf8mb4",
        mysql_collate="utf8mb4_bin",
        mysql_engine="InnoDB",
    )
    op.create_table(
        "fraud_labels",
        sa.Column("payment_id", sa.String(length=64), autoincrement=False, nullable=False, comment="The payment"),
        sa.Column("is_fraud", sa.Boolean(), autoincrement=False, nullable=False, comment="Whether it was fraud"),
        sa.Column(
            "labelled_at", mysql.DATETIME(fsp=6), autoincrement=False, nullable=False, comment="When that became known"
        ),
        sa.Column(
            "label_source",
            sa.String(length=255),
            autoincrement=False,
            nullable=False,
            comment="Who said so, such as chargeback or investigator",
        ),
        sa.PrimaryKeyConstraint("payment_id"),
        comment="One row a payment known to be fraud or not",
        mysql_charset="utf8mb4",
        mysql_collate="utf8mb4_bin",
        mysql_engine="InnoDB",
    )
    op.create_index("ix_fraud_labels_labelled_at", "fraud_labels", ["labelled_at"], unique=False)
    op.create_table(
        "inventory",
        sa.Column("product_id", sa.String(length=64), autoincrement=False, nullable=False, comment="Product in stock"),
        sa.Column(
            "warehouse_id", sa.String(length=64), autoincrement=False, nullable=False, comment="Warehouse it lies in"
        ),
        sa.Column("on_hand", sa.Integer(), autoincrement=False, nullable=False, comment="Units in the warehouse"),
        sa.Column(
            "reserved", sa.Integer(), autoincrement=False, nullable=False, comment="Units of those promised to orders"
        ),
        sa.Column(
            "reorder_point",
            sa.Integer(),
            autoincrement=False,
            nullable=False,
            comment="Stock below which more is ordered",
        ),
        sa.Column(
            "lead_time_days",
            sa.Integer(),
            autoincrement=False,
            nullable=False,
            comment="Days from ordering more to its arrival",
        ),
        sa.Column(
            "updated_at",
            mysql.DATETIME(fsp=6),
            autoincrement=False,
            nullable=False,
            comment="When the stock was last counted or moved",
        ),
        sa.PrimaryKeyConstraint("product_id", "warehouse_id"),
        comment="One row a product and warehouse: the stock now",
        mysql_charset="utf8mb4",
        mysql_collate="utf8mb4_bin",
        mysql_engine="InnoDB",
    )
    op.create_table(
        "marketing_spend",
        sa.Column("spend_on", sa.Date(), autoincrement=False, nullable=False, comment="Day of the spend"),
        sa.Column("channel", sa.String(length=64), autoincrement=False, nullable=False, comment="Marketing channel"),
        sa.Column("campaign_id", sa.String(length=64), autoincrement=False, nullable=False, comment="Campaign"),
        sa.Column(
            "amount", sa.Numeric(precision=18, scale=2), autoincrement=False, nullable=False, comment="Money spent"
        ),
        sa.Column(
            "currency_code",
            sa.String(length=3),
            autoincrement=False,
            nullable=False,
            comment="Currency of the amounts in this row, ISO 4217",
        ),
        sa.PrimaryKeyConstraint("spend_on", "channel", "campaign_id"),
        comment="One row a day, channel and campaign: what was spent on it",
        mysql_charset="utf8mb4",
        mysql_collate="utf8mb4_bin",
        mysql_engine="InnoDB",
    )
    op.create_table(
        "order_items",
        sa.Column(
            "order_id", sa.String(length=64), autoincrement=False, nullable=False, comment="Order the line belongs to"
        ),
        sa.Column(
            "line_number",
            sa.Integer(),
            autoincrement=False,
            nullable=False,
            comment="Place of the line in the order, from 1",
        ),
        sa.Column("product_id", sa.String(length=64), autoincrement=False, nullable=False, comment="Product sold"),
        sa.Column("quantity", sa.Integer(), autoincrement=False, nullable=False, comment="Units sold"),
        sa.Column(
            "unit_price",
            sa.Numeric(precision=18, scale=4),
            autoincrement=False,
            nullable=False,
            comment="Price of one unit before the discount",
        ),
        sa.Column(
            "discount",
            sa.Numeric(precision=18, scale=2),
            autoincrement=False,
            nullable=False,
            comment="Discounts on the line",
        ),
        sa.Column(
            "line_total",
            sa.Numeric(precision=18, scale=2),
            autoincrement=False,
            nullable=False,
            comment="quantity × unit_price - discount: the line's sales",
        ),
        sa.Column(
            "currency_code",
            sa.String(length=3),
            autoincrement=False,
            nullable=False,
            comment="Currency of the amounts in this row, ISO 4217",
        ),
        sa.PrimaryKeyConstraint("order_id", "line_number"),
        comment="One row a line of an order",
        mysql_charset="utf8mb4",
        mysql_collate="utf8mb4_bin",
        mysql_engine="InnoDB",
    )
    op.create_index("ix_order_items_product_id", "order_items", ["product_id"], unique=False)
    op.create_table(
        "orders",
        sa.Column(
            "order_id", sa.String(length=64), autoincrement=False, nullable=False, comment="Stable id of the order"
        ),
        sa.Column(
            "customer_id",
            sa.String(length=64),
            autoincrement=False,
            nullable=True,
            comment="Who ordered; empty for a guest checkout",
        ),
        sa.Column(
            "ordered_at",
            mysql.DATETIME(fsp=6),
            autoincrement=False,
            nullable=False,
            comment="When the order was placed",
        ),
        sa.Column(
            "status", sa.String(length=64), autoincrement=False, nullable=False, comment="How far the order has come"
        ),
        sa.Column(
            "channel",
            sa.String(length=64),
            autoincrement=False,
            nullable=False,
            comment="Sales channel the order came through",
        ),
        sa.Column(
            "device_type", sa.String(length=64), autoincrement=False, nullable=True, comment="Device it was placed on"
        ),
        sa.Column(
            "country",
            sa.String(length=2),
            autoincrement=False,
            nullable=False,
            comment="Country of the sale, ISO 3166-1 alpha-2",
        ),
        sa.Column(
            "region",
            sa.String(length=255),
            autoincrement=False,
            nullable=True,
            comment="Region of the sale within the country",
        ),
        sa.Column(
            "currency_code",
            sa.String(length=3),
            autoincrement=False,
            nullable=False,
            comment="Currency of the amounts in this row, ISO 4217",
        ),
        sa.Column(
            "subtotal",
            sa.Numeric(precision=18, scale=2),
            autoincrement=False,
            nullable=False,
            comment="Sum of the lines before discounts",
        ),
        sa.Column(
            "discount",
            sa.Numeric(precision=18, scale=2),
            autoincrement=False,
            nullable=False,
            comment="Discounts given on the order",
        ),
        sa.Column(
            "shipping",
            sa.Numeric(precision=18, scale=2),
            autoincrement=False,
            nullable=False,
            comment="Shipping fee the customer paid",
        ),
        sa.Column("tax", sa.Numeric(precision=18, scale=2), autoincrement=False, nullable=False, comment="Tax charged"),
        sa.Column(
            "total",
            sa.Numeric(precision=18, scale=2),
            autoincrement=False,
            nullable=False,
            comment="What the customer paid: subtotal - discount + shipping + tax",
        ),
        sa.Column(
            "promotion_id",
            sa.String(length=64),
            autoincrement=False,
            nullable=True,
            comment="Promotion the order was made under",
        ),
        sa.PrimaryKeyConstraint("order_id"),
        comment="One row an order placed, whatever became of it",
        mysql_charset="utf8mb4",
        mysql_collate="utf8mb4_bin",
        mysql_engine="InnoDB",
    )
    op.create_index("ix_orders_customer_id", "orders", ["customer_id"], unique=False)
    op.create_index("ix_orders_ordered_at", "orders", ["ordered_at"], unique=False)
    op.create_index("ix_orders_promotion_id", "orders", ["promotion_id"], unique=False)
    op.create_table(
        "payments",
        sa.Column(
            "payment_id", sa.String(length=64), autoincrement=False, nullable=False, comment="Stable id of the payment"
        ),
        sa.Column("order_id", sa.String(length=64), autoincrement=False, nullable=False, comment="Order it pays"),
        sa.Column("method", sa.String(length=64), autoincrement=False, nullable=False, comment="How it was paid"),
        sa.Column(
            "amount",
            sa.Numeric(precision=18, scale=2),
            autoincrement=False,
            nullable=False,
            comment="Amount paid or tried",
        ),
        sa.Column(
            "currency_code",
            sa.String(length=3),
            autoincrement=False,
            nullable=False,
            comment="Currency of amount and fee, ISO 4217",
        ),
        sa.Column(
            "status", sa.String(length=64), autoincrement=False, nullable=False, comment="What became of the payment"
        ),
        sa.Column(
            "card_brand", sa.String(length=255), autoincrement=False, nullable=True, comment="Card brand, such as visa"
        ),
        sa.Column(
            "card_bin",
            sa.String(length=255),
            autoincrement=False,
            nullable=True,
            comment="First six digits of the card: the bank identification number",
        ),
        sa.Column(
            "card_last4",
            sa.String(length=255),
            autoincrement=False,
            nullable=True,
            comment="Last four digits of the card",
        ),
        sa.Column(
            "card_token",
            sa.String(length=255),
            autoincrement=False,
            nullable=True,
            comment="HMAC-SHA-256 of the card number under a rotating key",
        ),
        sa.Column(
            "fee",
            sa.Numeric(precision=18, scale=2),
            autoincrement=False,
            nullable=True,
            comment="Fee the payment provider took",
        ),
        sa.Column(
            "billing_country",
            sa.String(length=255),
            autoincrement=False,
            nullable=True,
            comment="Country of the billing address, ISO 3166-1 alpha-2",
        ),
        sa.Column(
            "billing_address_hmac",
            sa.String(length=255),
            autoincrement=False,
            nullable=True,
            comment="HMAC-SHA-256 of the billing address",
        ),
        sa.Column(
            "ip_country",
            sa.String(length=255),
            autoincrement=False,
            nullable=True,
            comment="Country of the caller's IP address, ISO 3166-1 alpha-2",
        ),
        sa.Column(
            "ip_latitude",
            sa.Double(),
            autoincrement=False,
            nullable=True,
            comment="Latitude of the caller's IP address, WGS 84",
        ),
        sa.Column("ip_longitude", sa.Double(), autoincrement=False, nullable=True, comment="Longitude of the same"),
        sa.Column(
            "device_id", sa.String(length=255), autoincrement=False, nullable=True, comment="Fingerprint of the device"
        ),
        sa.Column(
            "merchant_category",
            sa.String(length=255),
            autoincrement=False,
            nullable=True,
            comment="Merchant category code, ISO 18245",
        ),
        sa.Column(
            "authorized_at",
            mysql.DATETIME(fsp=6),
            autoincrement=False,
            nullable=False,
            comment="When the payment was authorised; payments are dated by it",
        ),
        sa.Column("card_number", sa.String(length=32), nullable=True, comment="Never leaves this database"),
        sa.Column("cvv", sa.String(length=4), nullable=True, comment="Never leaves this database"),
        sa.Column("card_expiry", sa.String(length=7), nullable=True, comment="Never leaves this database"),
        sa.Column("card_holder", sa.String(length=255), nullable=True, comment="Never leaves this database"),
        sa.Column("billing_address_line1", sa.String(length=255), nullable=True, comment="Never leaves this database"),
        sa.Column("billing_address_line2", sa.String(length=255), nullable=True, comment="Never leaves this database"),
        sa.Column("billing_postal_code", sa.String(length=16), nullable=True, comment="Never leaves this database"),
        sa.PrimaryKeyConstraint("payment_id"),
        comment="One row a payment made or tried for an order",
        mysql_charset="utf8mb4",
        mysql_collate="utf8mb4_bin",
        mysql_engine="InnoDB",
    )
    op.create_index("ix_payments_authorized_at", "payments", ["authorized_at"], unique=False)
    op.create_index("ix_payments_order_id", "payments", ["order_id"], unique=False)
    op.create_table(
        "products",
        sa.Column(
            "product_id", sa.String(length=64), autoincrement=False, nullable=False, comment="Stable id of the product"
        ),
        sa.Column(
            "name", sa.String(length=255), autoincrement=False, nullable=False, comment="Name as shown to customers"
        ),
        sa.Column("brand", sa.String(length=255), autoincrement=False, nullable=True, comment="Brand"),
        sa.Column(
            "category_id",
            sa.String(length=64),
            autoincrement=False,
            nullable=False,
            comment="The product's own category",
        ),
        sa.Column(
            "supplier_id",
            sa.String(length=64),
            autoincrement=False,
            nullable=True,
            comment="Supplier it is bought from",
        ),
        sa.Column(
            "list_price",
            sa.Numeric(precision=18, scale=2),
            autoincrement=False,
            nullable=False,
            comment="Price of one unit before discounts",
        ),
        sa.Column(
            "unit_cost",
            sa.Numeric(precision=18, scale=2),
            autoincrement=False,
            nullable=True,
            comment="What one unit costs us",
        ),
        sa.Column(
            "currency_code",
            sa.String(length=3),
            autoincrement=False,
            nullable=False,
            comment="Currency of list_price and unit_cost, ISO 4217",
        ),
        sa.Column(
            "created_at",
            mysql.DATETIME(fsp=6),
            autoincrement=False,
            nullable=True,
            comment="When the product entered the catalogue",
        ),
        sa.Column("is_active", sa.Boolean(), autoincrement=False, nullable=False, comment="False once discontinued"),
        sa.PrimaryKeyConstraint("product_id"),
        comment="One row a product that is or was in the catalogue",
        mysql_charset="utf8mb4",
        mysql_collate="utf8mb4_bin",
        mysql_engine="InnoDB",
    )
    op.create_index("ix_products_category_id", "products", ["category_id"], unique=False)
    op.create_index("ix_products_supplier_id", "products", ["supplier_id"], unique=False)
    op.create_table(
        "promotion_products",
        sa.Column("promotion_id", sa.String(length=64), autoincrement=False, nullable=False, comment="The promotion"),
        sa.Column(
            "product_id", sa.String(length=64), autoincrement=False, nullable=False, comment="A product it holds for"
        ),
        sa.PrimaryKeyConstraint("promotion_id", "product_id"),
        comment="One row a product that a promotion holds for",
        mysql_charset="utf8mb4",
        mysql_collate="utf8mb4_bin",
        mysql_engine="InnoDB",
    )
    op.create_index("ix_promotion_products_product_id", "promotion_products", ["product_id"], unique=False)
    op.create_table(
        "promotions",
        sa.Column(
            "promotion_id",
            sa.String(length=64),
            autoincrement=False,
            nullable=False,
            comment="Stable id of the promotion",
        ),
        sa.Column("name", sa.String(length=255), autoincrement=False, nullable=False, comment="Name of the promotion"),
        sa.Column(
            "kind", sa.String(length=64), autoincrement=False, nullable=False, comment="What sort of promotion it is"
        ),
        sa.Column(
            "channel",
            sa.String(length=255),
            autoincrement=False,
            nullable=True,
            comment="Channel it was announced through",
        ),
        sa.Column("starts_on", sa.Date(), autoincrement=False, nullable=False, comment="First day it runs"),
        sa.Column("ends_on", sa.Date(), autoincrement=False, nullable=False, comment="Last day it runs"),
        sa.Column("discount_pct", sa.Double(), autoincrement=False, nullable=True, comment="Discount it gives"),
        sa.Column(
            "budget",
            sa.Numeric(precision=18, scale=2),
            autoincrement=False,
            nullable=True,
            comment="Money set aside for it",
        ),
        sa.Column(
            "currency_code",
            sa.String(length=3),
            autoincrement=False,
            nullable=True,
            comment="Currency of the budget, ISO 4217",
        ),
        sa.PrimaryKeyConstraint("promotion_id"),
        comment="One row a promotion: a coupon, price cut, bundle or campaign with its dates",
        mysql_charset="utf8mb4",
        mysql_collate="utf8mb4_bin",
        mysql_engine="InnoDB",
    )
    op.create_table(
        "reviews",
        sa.Column(
            "review_id", sa.String(length=64), autoincrement=False, nullable=False, comment="Stable id of the review"
        ),
        sa.Column("product_id", sa.String(length=64), autoincrement=False, nullable=False, comment="Product reviewed"),
        sa.Column("customer_id", sa.String(length=64), autoincrement=False, nullable=False, comment="Who wrote it"),
        sa.Column("rating", sa.SmallInteger(), autoincrement=False, nullable=False, comment="Stars given, 1-5"),
        sa.Column("title", sa.String(length=255), autoincrement=False, nullable=True, comment="Headline"),
        sa.Column(
            "body",
            sa.Text(),
            autoincrement=False,
            nullable=True,
            comment="Text as written; people name themselves in it",
        ),
        sa.Column(
            "is_verified",
            sa.Boolean(),
            autoincrement=False,
            nullable=True,
            comment="Whether the writer bought the product",
        ),
        sa.Column(
            "created_at", mysql.DATETIME(fsp=6), autoincrement=False, nullable=False, comment="When it was written"
        ),
        sa.PrimaryKeyConstraint("review_id"),
        comment="One row a review of a product by a customer",
        mysql_charset="utf8mb4",
        mysql_collate="utf8mb4_bin",
        mysql_engine="InnoDB",
    )
    op.create_index("ix_reviews_created_at", "reviews", ["created_at"], unique=False)
    op.create_index("ix_reviews_customer_id", "reviews", ["customer_id"], unique=False)
    op.create_index("ix_reviews_product_id", "reviews", ["product_id"], unique=False)
    op.create_table(
        "shipments",
        sa.Column(
            "shipment_id",
            sa.String(length=64),
            autoincrement=False,
            nullable=False,
            comment="Stable id of the shipment",
        ),
        sa.Column("order_id", sa.String(length=64), autoincrement=False, nullable=False, comment="Order it belongs to"),
        sa.Column("carrier", sa.String(length=255), autoincrement=False, nullable=False, comment="Who carries it"),
        sa.Column("status", sa.String(length=64), autoincrement=False, nullable=False, comment="Where the parcel is"),
        sa.Column(
            "destination_country",
            sa.String(length=255),
            autoincrement=False,
            nullable=False,
            comment="Country it goes to, ISO 3166-1 alpha-2",
        ),
        sa.Column(
            "destination_region", sa.String(length=255), autoincrement=False, nullable=True, comment="Region it goes to"
        ),
        sa.Column(
            "address_hmac",
            sa.String(length=255),
            autoincrement=False,
            nullable=True,
            comment="HMAC-SHA-256 of the address",
        ),
        sa.Column(
            "shipped_at",
            mysql.DATETIME(fsp=6),
            autoincrement=False,
            nullable=True,
            comment="When it left; shipments are dated by it",
        ),
        sa.Column("delivered_at", mysql.DATETIME(fsp=6), autoincrement=False, nullable=True, comment="When it arrived"),
        sa.Column(
            "cost",
            sa.Numeric(precision=18, scale=2),
            autoincrement=False,
            nullable=False,
            comment="What the carrier charges us",
        ),
        sa.Column(
            "currency_code",
            sa.String(length=3),
            autoincrement=False,
            nullable=False,
            comment="Currency of cost, ISO 4217",
        ),
        sa.Column("recipient_name", sa.String(length=255), nullable=True, comment="Never leaves this database"),
        sa.Column("recipient_phone", sa.String(length=32), nullable=True, comment="Never leaves this database"),
        sa.Column("address_line1", sa.String(length=255), nullable=True, comment="Never leaves this database"),
        sa.Column("address_line2", sa.String(length=255), nullable=True, comment="Never leaves this database"),
        sa.Column("postal_code", sa.String(length=16), nullable=True, comment="Never leaves this database"),
        sa.PrimaryKeyConstraint("shipment_id"),
        comment="One row a parcel sent for an order",
        mysql_charset="utf8mb4",
        mysql_collate="utf8mb4_bin",
        mysql_engine="InnoDB",
    )
    op.create_index("ix_shipments_order_id", "shipments", ["order_id"], unique=False)
    op.create_index("ix_shipments_shipped_at", "shipments", ["shipped_at"], unique=False)
    op.create_table(
        "suppliers",
        sa.Column(
            "supplier_id",
            sa.String(length=64),
            autoincrement=False,
            nullable=False,
            comment="Stable id of the supplier",
        ),
        sa.Column("name", sa.String(length=255), autoincrement=False, nullable=False, comment="Name of the supplier"),
        sa.Column(
            "country",
            sa.String(length=2),
            autoincrement=False,
            nullable=True,
            comment="Country the supplier delivers from, ISO 3166-1 alpha-2",
        ),
        sa.PrimaryKeyConstraint("supplier_id"),
        comment="One row a supplier",
        mysql_charset="utf8mb4",
        mysql_collate="utf8mb4_bin",
        mysql_engine="InnoDB",
    )
    op.create_table(
        "web_events",
        sa.Column(
            "event_id", sa.String(length=64), autoincrement=False, nullable=False, comment="Stable id of the event"
        ),
        sa.Column(
            "session_id", sa.String(length=255), autoincrement=False, nullable=False, comment="Visit it belongs to"
        ),
        sa.Column(
            "customer_id",
            sa.String(length=64),
            autoincrement=False,
            nullable=True,
            comment="Who it was, where signed in",
        ),
        sa.Column(
            "occurred_at", mysql.DATETIME(fsp=6), autoincrement=False, nullable=False, comment="When it happened"
        ),
        sa.Column("event_type", sa.String(length=64), autoincrement=False, nullable=False, comment="What was done"),
        sa.Column(
            "product_id", sa.String(length=64), autoincrement=False, nullable=True, comment="Product it was about"
        ),
        sa.Column(
            "channel",
            sa.String(length=64),
            autoincrement=False,
            nullable=False,
            comment="Marketing channel that brought the visit",
        ),
        sa.Column(
            "campaign_id",
            sa.String(length=255),
            autoincrement=False,
            nullable=True,
            comment="Campaign that brought the visit",
        ),
        sa.Column("device_type", sa.String(length=64), autoincrement=False, nullable=True, comment="Device used"),
        sa.Column(
            "country",
            sa.String(length=2),
            autoincrement=False,
            nullable=True,
            comment="Country of the visitor, ISO 3166-1 alpha-2",
        ),
        sa.PrimaryKeyConstraint("event_id"),
        comment="One row a thing a visitor did on the site or in the app",
        mysql_charset="utf8mb4",
        mysql_collate="utf8mb4_bin",
        mysql_engine="InnoDB",
    )
    op.create_index("ix_web_events_customer_id", "web_events", ["customer_id"], unique=False)
    op.create_index("ix_web_events_occurred_at", "web_events", ["occurred_at"], unique=False)
    op.create_index("ix_web_events_product_id", "web_events", ["product_id"], unique=False)


def downgrade() -> None:
    op.drop_table("web_events")
    op.drop_table("suppliers")
    op.drop_table("shipments")
    op.drop_table("reviews")
    op.drop_table("promotions")
    op.drop_table("promotion_products")
    op.drop_table("products")
    op.drop_table("payments")
    op.drop_table("orders")
    op.drop_table("order_items")
    op.drop_table("marketing_spend")
    op.drop_table("inventory")
    op.drop_table("fraud_labels")
    op.drop_table("exchange_rates")
    op.drop_table("customers")
    op.drop_table("competitor_prices")
    op.drop_table("categories")
