"""The five AI systems that the platform ships with; further ones are registered at run time."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class System:
    """One AI system: the service that answers for it, where its REST paths begin and where its tables are."""

    name: str
    """Name of the service, of its gRPC channel, and `{system}` in paths."""
    prefix: str
    """First part of its REST paths below /api/v1, without slashes."""
    zone: str
    """Prod zone of the lake, also its schema in SQL."""
    title: str
    description: str


SYSTEMS: tuple[System, ...] = (
    System(
        "market_intel",
        "market-intelligence",
        "market_intel",
        "Market Intelligence Hub",
        "Forecasts revenue and demand, tracks trends and prices, and explains why a figure moved.",
    ),
    System(
        "demand",
        "demand-insights",
        "demand",
        "Demand Insights Engine",
        "Who the customers are and what they are worth: segments, lifetime value, churn, prices.",
    ),
    System(
        "compliance",
        "compliance",
        "compliance",
        "Compliance Guardian",
        "Scores payments for fraud, runs rules and cases, and finds card data where it must not be.",
    ),
    System(
        "copilot",
        "copilot",
        "copilot",
        "Retail Copilot",
        "Answers questions about the shop in plain language, with the query and the numbers behind each answer.",
    ),
    System(
        "market_pulse",
        "global-market",
        "market_pulse",
        "Global Market Pulse",
        "Compares regions and markets: trends, prices, opportunities, competitors and product life cycles.",
    ),
)
