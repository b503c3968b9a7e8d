"""UCI Online Retail (data sets 352 and 502): invoice lines of a UK gift-ware web shop, mapped to the contract.

One line of the source is one raw row of order_items, with the line as it was given in `given_…` beside the contract's
columns; a line of which some units were taken back later is two, so that both have an order to belong to. What cannot
be a line of an order keeps its place in raw and waits in quarantine by the rule it breaks: docs/importers.md has the
whole list, with counts.
"""

from pipeline.sources.online_retail.source import NAME, online_retail

__all__ = ["NAME", "online_retail"]
