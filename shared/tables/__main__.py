"""Prints the data dictionary: `python -m shared.tables > docs/data-dictionary.md`."""

import sys

from shared.tables.dictionary import data_dictionary

sys.stdout.write(data_dictionary())
