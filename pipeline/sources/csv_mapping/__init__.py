"""Any tables a user has as files, mapped to the contract by a YAML file that is checked before a row is read."""

from pipeline.sources.csv_mapping.source import NAME, csv_source

__all__ = ["NAME", "csv_source"]
