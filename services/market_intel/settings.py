"""What the market_intel service is told from outside."""

from __future__ import annotations

from pathlib import Path

from shared.operations.settings import OperationSettings


class MarketIntelSettings(OperationSettings):
    """Settings of the market_intel process: those of every service with long work, and where forecasts are kept."""

    forecasts_uri: str = ""
    """FORECASTS_URI: where what was asked for is kept, a folder or an s3:// URI that all replicas reach;
    `{var_dir}/market_intel/forecasts` when not set."""

    pretrained_forecaster_dir: Path | None = None
    """PRETRAINED_FORECASTER_DIR: folder of a Chronos (T5) model as safetensors, which `pretrained` forecasts by; off
    when not set. It is read by the processes of operations alone."""

    @property
    def kept_uri(self) -> str:
        """Return where forecasts that were asked for are kept."""
        own = self.var_dir.absolute() / "market_intel" / "forecasts"
        return (self.forecasts_uri or str(own)).rstrip("/")

    @property
    def models_dir(self) -> Path:
        """Return the folder of the models' manifest."""
        return self.var_dir / "models"
