"""Market analytics: trends, prices, products, revenue and why it changed."""
