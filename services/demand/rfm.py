"""The eleven classic RFM segments: which scores make which segment, and what to do about each.

Source: the names and score ranges commonly published for eleven segments, which score recency (R) and the average of
frequency and monetary value (FM) from 1 to 5; eight of them as listed by docs.churned.io (RFM-Model), the other three
(Promising, About to Sleep, Can't Lose Them) as in Putler's "RFM Analysis For Successful Customer Segmentation". The
ranges overlap (Champions R 4-5, FM 4-5 and Loyal Customers R 2-5, FM 3-5 share four cells), so that a customer could
stand in two. Here every cell belongs to one segment, always one whose published ranges hold that cell; `RANGES` keeps
the published ranges, and a test holds the grid against them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Segment:
    """A segment: its name and the one action recommended for its customers."""

    name: str
    action: str


CHAMPIONS = Segment("Champions", "Reward them, and show them new products first")
LOYAL = Segment("Loyal Customers", "Offer products of higher value and ask for reviews")
POTENTIAL = Segment("Potential Loyalists", "Offer membership and recommend related products")
NEW = Segment("New Customers", "Welcome them and help them to a good second order")
PROMISING = Segment("Promising", "Make the shop known to them with a small trial offer")
ATTENTION = Segment("Need Attention", "Make an offer limited in time, based on past purchases")
SLEEPY = Segment("About to Sleep", "Share popular products at a discount and reconnect")
AT_RISK = Segment("At Risk", "Write to them personally with an offer to come back")
CANNOT_LOSE = Segment("Can't Lose Them", "Talk to them in person and win them back before a competitor does")
HIBERNATING = Segment("Hibernating", "Offer relevant products and a special discount")
LOST = Segment("Lost", "Try one campaign to revive interest, otherwise leave them be")

SEGMENTS = (
    CHAMPIONS,
    LOYAL,
    POTENTIAL,
    NEW,
    PROMISING,
    ATTENTION,
    SLEEPY,
    AT_RISK,
    CANNOT_LOSE,
    HIBERNATING,
    LOST,
)

GRID: Mapping[int, tuple[Segment, Segment, Segment, Segment, Segment]] = {
    # R:  FM 1         2            3          4            5
    5: (NEW, POTENTIAL, POTENTIAL, CHAMPIONS, CHAMPIONS),
    4: (PROMISING, POTENTIAL, POTENTIAL, LOYAL, LOYAL),
    3: (SLEEPY, SLEEPY, ATTENTION, LOYAL, LOYAL),
    2: (HIBERNATING, HIBERNATING, AT_RISK, AT_RISK, AT_RISK),
    1: (LOST, LOST, AT_RISK, CANNOT_LOSE, CANNOT_LOSE),
}

RANGES: Mapping[str, tuple[tuple[int, int], tuple[int, int]]] = {
    # as published: (R from, to), (FM from, to)
    "Champions": ((4, 5), (4, 5)),
    "Loyal Customers": ((2, 5), (3, 5)),
    "Potential Loyalists": ((3, 5), (1, 3)),
    "New Customers": ((4, 5), (0, 1)),
    "Promising": ((3, 4), (0, 1)),
    "Need Attention": ((2, 3), (2, 3)),
    "About to Sleep": ((2, 3), (0, 2)),
    "At Risk": ((0, 2), (2, 5)),
    "Can't Lose Them": ((0, 1), (4, 5)),
    "Hibernating": ((1, 2), (1, 2)),
    "Lost": ((0, 2), (0, 2)),
}


def fm_score(f_score: int, m_score: int) -> int:
    """Return the average of the frequency and monetary scores, halves rounded up, 1-5."""
    return (f_score + m_score + 1) // 2


def segment_of(r_score: int, f_score: int, m_score: int) -> Segment:
    """Return the one segment of these scores, each 1-5."""
    return GRID[r_score][fm_score(f_score, m_score) - 1]


def cells() -> list[tuple[int, int, str]]:
    """Return every (R, F + M, segment name): the grid without a division, for an expression of any dialect."""
    return [(r, f_plus_m, GRID[r][(f_plus_m + 1) // 2 - 1].name) for r in range(1, 6) for f_plus_m in range(2, 11)]
