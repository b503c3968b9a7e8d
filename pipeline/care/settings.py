"""What the care of the lake is told from outside."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated

from pydantic import BeforeValidator, Field
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from shared.lake.policies import Policies


def _pairs(value: object) -> object:
    """Return name → text from `curated.orders=90,demand=30`; a mapping comes back as it is."""
    if not isinstance(value, str):
        return value
    pairs = [pair.strip().partition("=") for pair in value.split(",") if pair.strip()]
    wrong = [name for name, equals, told in pairs if not (name and equals and told)]
    if wrong:
        raise ValueError(f"{', '.join(wrong)!r} is not table=value; write `curated.web_events=24,demand=30`")
    return {name.strip(): told.strip() for name, _, told in pairs}


def _lists(value: object) -> object:
    pairs = _pairs(value)
    if not isinstance(pairs, dict):
        return pairs
    return {name: told.split("+") if isinstance(told, str) else told for name, told in pairs.items()}


Days = Annotated[float, Field(ge=1)]
Months = Annotated[int, Field(ge=1)]


class CareSettings(BaseSettings):
    """Settings of `python -m pipeline care` and `storage`."""

    model_config = SettingsConfigDict(frozen=True, env_ignore_empty=True, extra="ignore")

    history_days: Annotated[Mapping[str, Days], NoDecode, BeforeValidator(_pairs)] = Field(default_factory=dict)
    """HISTORY_DAYS: how far back `as_of` answers, by table or zone: `curated.orders=90,demand=30`."""
    archive_after_months: Annotated[Mapping[str, Months], NoDecode, BeforeValidator(_pairs)] = Field(
        default_factory=dict
    )
    """ARCHIVE_AFTER_MONTHS: `curated.web_events=24` moves months older than the newest 24 to the archive."""
    cluster_by: Annotated[Mapping[str, tuple[str, ...]], NoDecode, BeforeValidator(_lists)] = Field(
        default_factory=dict
    )
    """CLUSTER_BY: `curated.order_items=product_id+_dated_on` puts each month's rows on their Z-order curve."""
    storage_price_per_gb_month: Annotated[Decimal, Field(ge=0)] = Decimal("0.023")
    """STORAGE_PRICE_PER_GB_MONTH: USD a gigabyte (10⁹ bytes) and month; as S3 Standard costs."""

    def policies(self) -> Policies:
        """Return the policy of every table."""
        return Policies(self.history_days, self.archive_after_months, self.cluster_by)
