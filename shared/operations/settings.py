"""What a service with long work is told from outside."""

from __future__ import annotations

from pydantic import Field

from shared.settings import ServiceSettings


class OperationSettings(ServiceSettings):
    """Settings of a service that has operations."""

    operations_database_url: str = Field(default="", repr=False)
    """OPERATIONS_DATABASE_URL: where operations are kept, `mysql+asyncmy://…`; all services may share one. When not
    set, each has a file below VAR_DIR, and may run in one process only."""
    operations_at_once: int = Field(default=2, ge=1, le=64)
    """OPERATIONS_AT_ONCE: operations that one process of the service works on; others wait their turn."""
    operations_queued: int = Field(default=16, ge=0)
    """OPERATIONS_QUEUED: most operations of the service that wait; more are refused."""
    operations_queued_per_caller: int = Field(default=4, ge=1)
    """OPERATIONS_QUEUED_PER_CALLER: most of them that one caller may have waiting or running."""
    operations_memory_mb: int = Field(default=2048, ge=64)
    """OPERATIONS_MEMORY_MB: most data memory of an operation's process, MiB."""
    operations_seconds: float = Field(default=3600, gt=0)
    """OPERATIONS_SECONDS: longest that an operation may work."""
    operations_kept_days: float = Field(default=7, gt=0)
    """OPERATIONS_KEPT_DAYS: how long what has ended is remembered."""

    def operations_url(self, service: str) -> str:
        """Return the URL of the service's store."""
        return self.operations_database_url or f"sqlite+aiosqlite:///{self.operations_file(service)}"

    def operations_file(self, service: str) -> str:
        """Return the file of the service's store where it has one of its own."""
        return str(self.var_dir.absolute() / service / "operations.db")
