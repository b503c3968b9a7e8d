"""What is sold, by whom it is supplied and how much of it there is."""

from shared.tables.checks import at_least, country, currency, no_card_number, not_negative, positive
from shared.tables.columns import CURATED_TAIL, flag, moment, money, text, whole
from shared.tables.columns import currency as currency_code
from shared.tables.model import Reference, Rule, Table

CATEGORIES = Table(
    zone="curated",
    name="categories",
    key=("category_id",),
    description="One row a category; a category without a parent is a department",
    columns=(
        text("category_id", "Stable id of the category"),
        text("name", "Name as shown to people", synonyms=("category", "department")),
        text("parent_category_id", "Category it belongs to; empty for a department", null=True),
        *CURATED_TAIL,
    ),
    rules=(
        Rule(
            "not_its_own_parent",
            "parent_category_id differs from category_id",
            ("category_id", "parent_category_id"),
            lambda rows: rows.category_id != rows.parent_category_id,
        ),
        no_card_number("name"),
    ),
    references=(Reference("parent_category_id", "curated.categories", "category_id"),),
    region_free=True,
)

SUPPLIERS = Table(
    zone="curated",
    name="suppliers",
    key=("supplier_id",),
    description="One row a supplier",
    columns=(
        text("supplier_id", "Stable id of the supplier"),
        text("name", "Name of the supplier", synonyms=("supplier", "vendor")),
        text("country", "Country the supplier delivers from, ISO 3166-1 alpha-2", null=True),
        *CURATED_TAIL,
    ),
    rules=(country(), no_card_number("name")),
    region_free=True,
)

PRODUCTS = Table(
    zone="curated",
    name="products",
    key=("product_id",),
    description="One row a product that is or was in the catalogue",
    columns=(
        text("product_id", "Stable id of the product", synonyms=("product", "item", "sku", "article")),
        text("name", "Name as shown to customers"),
        text("brand", "Brand", null=True, synonyms=("make",)),
        text("category_id", "The product's own category"),
        text("supplier_id", "Supplier it is bought from", null=True),
        money("list_price", "Price of one unit before discounts", synonyms=("price",)),
        money("unit_cost", "What one unit costs us", null=True, synonyms=("cost", "cogs")),
        currency_code("Currency of list_price and unit_cost, ISO 4217"),
        moment("created_at", "When the product entered the catalogue", null=True),
        flag("is_active", "False once discontinued"),
        *CURATED_TAIL,
    ),
    rules=(positive("list_price"), at_least("unit_cost", 0), currency(), no_card_number("name", "brand")),
    references=(
        Reference("category_id", "curated.categories", "category_id"),
        Reference("supplier_id", "curated.suppliers", "supplier_id"),
    ),
    region_free=True,
)

INVENTORY = Table(
    zone="curated",
    name="inventory",
    key=("product_id", "warehouse_id"),
    description="One row a product and warehouse: the stock now",
    columns=(
        text("product_id", "Product in stock"),
        text("warehouse_id", "Warehouse it lies in", synonyms=("warehouse", "depot")),
        whole("on_hand", "Units in the warehouse", unit="units", synonyms=("stock", "in stock")),
        whole("reserved", "Units of those promised to orders", unit="units"),
        whole("reorder_point", "Stock below which more is ordered", unit="units"),
        whole("lead_time_days", "Days from ordering more to its arrival", unit="days"),
        moment("updated_at", "When the stock was last counted or moved"),
        *CURATED_TAIL,
    ),
    rules=(not_negative("stock_not_negative", "on_hand", "reserved", "reorder_point", "lead_time_days"),),
    references=(Reference("product_id", "curated.products", "product_id"),),
    region_free=True,
)
