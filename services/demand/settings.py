"""What the demand service is told from outside."""

from __future__ import annotations

from typing import Self

from pydantic import model_validator

from shared.settings import ProcessSettings


class DemandSettings(ProcessSettings):
    """Settings of the demand process: those of every process, among which it needs the address of auth."""

    @model_validator(mode="after")
    def auth_is_known(self) -> Self:
        """Return the settings if they say where the keys that verify tokens come from."""
        if "auth" not in self.services:
            raise ValueError("SERVICES does not say where auth is; set for example SERVICES=auth=127.0.0.1:5001")
        return self
