"""Files that a user brings (CSV, JSON lines, Excel, Parquet), read as text row by row; what cannot be read is told."""

from pipeline.sources.files.formats import KINDS, FileFormat, kind_of
from pipeline.sources.files.loading import FileSource, Loaded, load
from pipeline.sources.files.rows import Rejected, TextRows, open_rows

__all__ = ["KINDS", "FileFormat", "FileSource", "Loaded", "Rejected", "TextRows", "kind_of", "load", "open_rows"]
