"""A source's files read a second time, for the ledger alone, by code that importers do not use.

Shared with `pipeline.sources.files` is how a file is written (its kind, encoding, delimiter), and the rule of
docs/importers.md that a line which cannot be read costs that line. Records, fields, cells and keys are told apart here
anew, so that a row that the other reader loses or doubles is missed or found here.
"""

from pipeline.sources.recount.counting import NO_DAY, counted
from pipeline.sources.recount.loading import load
from pipeline.sources.recount.records import Part, parts

__all__ = ["NO_DAY", "Part", "counted", "load", "parts"]
