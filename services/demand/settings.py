"""What the demand service is told from outside."""

from __future__ import annotations

from shared.operations.settings import OperationSettings


class DemandSettings(OperationSettings):
    """Settings of the demand process: those of every service with long work."""
