"""What the pipeline's service is told from outside."""

from __future__ import annotations

from pipeline.settings import PipelineSettings
from shared.settings import ServiceSettings


class PipelineServiceSettings(PipelineSettings, ServiceSettings):
    """Settings of the process: those of the pipeline and of every service."""
