"""What the demand service is told from outside."""

from __future__ import annotations

from shared.settings import ServiceSettings


class DemandSettings(ServiceSettings):
    """Settings of the demand process: those of every service."""
