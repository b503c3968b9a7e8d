"""Review texts from a small grammar: opening, detail, remark on the parcel, ending, each with its mood."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.generate.columns import chosen

if TYPE_CHECKING:
    from pipeline.generate.consequences.draws import Draws, Words
    from pipeline.generate.world import Flags, Whole

BAD, FAIR, GOOD = range(3)

TITLES = (
    ("Disappointed", "Not worth the money", "Would not buy again", "Poor quality", "Broke too soon", "Not as described",
     "Sent it back", "Waste of time", "Expected more", "Stay away"),
    ("It is all right", "Does the job", "Mixed feelings", "Okay for the price", "Average", "Could be better",
     "Good and bad sides", "Neither here nor there", "As expected", "Fine, not more"),
    ("Very happy", "Exactly what I wanted", "Great value", "Would buy again", "Excellent quality", "Highly recommended",
     "A lovely surprise", "Better than expected", "Five stars from us", "Simply good"),
)  # fmt: skip
_WHO = ("I", "We")
_SINCE = ("after a week", "after two weeks", "after a month", "from the first day", "so far", "every day", "at home")
_BAD_OPENING = ("am not happy with it", "would not choose it again", "had hoped for more", "cannot recommend it")
_FAIR_OPENING = ("find it all right", "use it now and then", "can live with it", "have no strong feelings about it")
_GOOD_OPENING = ("really like it", "use it a lot", "am glad to have it", "would choose it again at once")
DETAILS = (
    ("The finish is poor.", "It feels cheap.", "It stopped working soon.", "The colour is not that of the picture.",
     "The size runs small.", "The smell is unpleasant.", "Half of it was missing.", "The instructions are useless.",
     "It is far too loud.", "The material tore at once."),
    ("The quality fits the price.", "The size is right, the colour less so.", "It works, with some patience.",
     "Nothing special, nothing wrong.", "The packaging is better than the thing.", "It took a while to get used to.",
     "The older version was better.", "It is a little heavy.", "Some parts feel solid, some do not.",
     "It does one job."),
    ("The quality is excellent.", "It looks better than in the picture.", "It fits perfectly.", "It is easy to use.",
     "The material feels solid.", "The colour is beautiful.", "It was worth every penny.", "It works without a hitch.",
     "The whole family uses it.", "It is quiet and quick."),
)  # fmt: skip
ARRIVALS = ("", "", "", "It came on time.", "It was well packed.", "The parcel came quickly.")
LATE = ("It came far too late.", "The parcel took more than a week.", "We waited long for it.", "Delivery was slow.")
ENDINGS = (
    ("I sent it back.", "Never again.", "Save your money.", "", "There are better ones."),
    ("Let us see how long it lasts.", "It will do.", "", "Maybe next time another.", "For this price it is fair."),
    ("Thank you!", "We will order again.", "A clear recommendation.", "", "My next one will be the same."),
)


def variants() -> int:
    """Return how many different texts there are of each mood, at least."""
    return len(_openings()[BAD]) * len(DETAILS[BAD]) * len(ENDINGS[BAD])


def titles(draws: Draws, rating: Whole, key: Words) -> pa.Array:
    """Return a headline for each rating; every fifth review has none."""
    made = _part(draws, "title", TITLES, rating, key)
    return pc.if_else(pa.array(draws.chance(0.2, "untitled", key)), pa.scalar(None, pa.string()), made)


def bodies(draws: Draws, rating: Whole, late: Flags, key: Words) -> pa.Array:
    """Return a text for each rating; one that came late says so. Some reviews have stars only."""
    opening = _part(draws, "opening", _openings(), rating, key)
    detail = _part(draws, "detail", DETAILS, rating, key)
    on_time = chosen(ARRIVALS, draws.below(len(ARRIVALS), "arrival", key))
    arrival = pc.if_else(pa.array(late), chosen(LATE, draws.below(len(LATE), "late", key)), on_time)
    ending = _part(draws, "ending", ENDINGS, rating, key)
    text = pc.binary_join_element_wise(opening, detail, arrival, ending, " ")
    text = pc.utf8_trim_whitespace(pc.replace_substring(text, "  ", " "))
    return pc.if_else(pa.array(draws.chance(0.12, "no words", key)), pa.scalar(None, pa.string()), text)


def _openings() -> tuple[tuple[str, ...], ...]:
    moods = (_BAD_OPENING, _FAIR_OPENING, _GOOD_OPENING)
    return tuple(tuple(_sentence(*words) for words in product(_WHO, mood, _SINCE)) for mood in moods)


def _sentence(who: str, what: str, since: str) -> str:
    said = what.replace("am ", "are ", 1) if who == "We" and what.startswith("am ") else what
    return f"{who} {said} {since}."


def _part(draws: Draws, stream: str, parts: tuple[tuple[str, ...], ...], rating: Whole, key: Words) -> pa.Array:
    """Return one text of the mood of each rating."""
    mood = np.select([rating <= 2, rating == 3], [BAD, FAIR], GOOD)
    sizes = np.array([len(texts) for texts in parts])
    first = np.concatenate([[0], np.cumsum(sizes)[:-1]])
    flat = tuple(text for texts in parts for text in texts)
    return chosen(flat, first[mood] + draws.below(sizes[mood], stream, key))
