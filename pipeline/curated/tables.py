"""The curated tables: each function is named as the table it makes, its arguments as the tables it reads.

`raw_…` holds the latest raw row of each key that is to be looked at. What comes back are those rows cast to the
contract with the rules they break in `_reasons`; good ones enter the table, the others quarantine.
"""

from __future__ import annotations

import ibis.expr.types as ir

from shared.tables import CONTRACT
from shared.tables.validation import checked


def curated_customers(raw_customers: ir.Table) -> ir.Table:
    """Return the customers, checked."""
    return checked(CONTRACT["curated.customers"], raw_customers, {})


def curated_categories(raw_categories: ir.Table, current: ir.Table) -> ir.Table:
    """Return the categories, checked; a parent is one of those held good so far (`current`)."""
    return checked(CONTRACT["curated.categories"], raw_categories, {"curated.categories": current})


def curated_suppliers(raw_suppliers: ir.Table) -> ir.Table:
    """Return the suppliers, checked."""
    return checked(CONTRACT["curated.suppliers"], raw_suppliers, {})


def curated_products(raw_products: ir.Table, curated_categories: ir.Table, curated_suppliers: ir.Table) -> ir.Table:
    """Return the products, checked."""
    references = {"curated.categories": curated_categories, "curated.suppliers": curated_suppliers}
    return checked(CONTRACT["curated.products"], raw_products, references)


def curated_inventory(raw_inventory: ir.Table, curated_products: ir.Table) -> ir.Table:
    """Return the stock, checked."""
    return checked(CONTRACT["curated.inventory"], raw_inventory, {"curated.products": curated_products})


def curated_promotions(raw_promotions: ir.Table) -> ir.Table:
    """Return the promotions, checked."""
    return checked(CONTRACT["curated.promotions"], raw_promotions, {})


def curated_promotion_products(
    raw_promotion_products: ir.Table, curated_promotions: ir.Table, curated_products: ir.Table
) -> ir.Table:
    """Return the products of promotions, checked."""
    references = {"curated.promotions": curated_promotions, "curated.products": curated_products}
    return checked(CONTRACT["curated.promotion_products"], raw_promotion_products, references)


def curated_orders(raw_orders: ir.Table, curated_customers: ir.Table, curated_promotions: ir.Table) -> ir.Table:
    """Return the orders, checked."""
    references = {"curated.customers": curated_customers, "curated.promotions": curated_promotions}
    return checked(CONTRACT["curated.orders"], raw_orders, references)


def curated_order_items(raw_order_items: ir.Table, curated_orders: ir.Table, curated_products: ir.Table) -> ir.Table:
    """Return the lines of orders, checked."""
    references = {"curated.orders": curated_orders, "curated.products": curated_products}
    return checked(CONTRACT["curated.order_items"], raw_order_items, references)


def curated_payments(raw_payments: ir.Table, curated_orders: ir.Table) -> ir.Table:
    """Return the payments, checked."""
    return checked(CONTRACT["curated.payments"], raw_payments, {"curated.orders": curated_orders})


def curated_fraud_labels(raw_fraud_labels: ir.Table, curated_payments: ir.Table) -> ir.Table:
    """Return what is known of payments to be fraud or not, checked."""
    return checked(CONTRACT["curated.fraud_labels"], raw_fraud_labels, {"curated.payments": curated_payments})


def curated_shipments(raw_shipments: ir.Table, curated_orders: ir.Table) -> ir.Table:
    """Return the shipments, checked."""
    return checked(CONTRACT["curated.shipments"], raw_shipments, {"curated.orders": curated_orders})


def curated_reviews(raw_reviews: ir.Table, curated_products: ir.Table, curated_customers: ir.Table) -> ir.Table:
    """Return the reviews, checked."""
    references = {"curated.products": curated_products, "curated.customers": curated_customers}
    return checked(CONTRACT["curated.reviews"], raw_reviews, references)


def curated_web_events(raw_web_events: ir.Table, curated_customers: ir.Table, curated_products: ir.Table) -> ir.Table:
    """Return what visitors did, checked."""
    references = {"curated.customers": curated_customers, "curated.products": curated_products}
    return checked(CONTRACT["curated.web_events"], raw_web_events, references)


def curated_marketing_spend(raw_marketing_spend: ir.Table) -> ir.Table:
    """Return what was spent on marketing, checked."""
    return checked(CONTRACT["curated.marketing_spend"], raw_marketing_spend, {})


def curated_competitor_prices(raw_competitor_prices: ir.Table, curated_products: ir.Table) -> ir.Table:
    """Return what competitors ask, checked."""
    return checked(CONTRACT["curated.competitor_prices"], raw_competitor_prices, {"curated.products": curated_products})


def curated_exchange_rates(raw_exchange_rates: ir.Table) -> ir.Table:
    """Return the exchange rates, checked."""
    return checked(CONTRACT["curated.exchange_rates"], raw_exchange_rates, {})


def curated_customers_history(curated_customers: ir.Table) -> ir.Table:
    """Return every version of the customers; made of raw's versions by `history`, once the customers are."""
    return curated_customers


def curated_products_history(curated_products: ir.Table) -> ir.Table:
    """Return every version of the products; made of raw's versions by `history`, once the products are."""
    return curated_products
