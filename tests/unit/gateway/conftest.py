"""The same backend and gateway as the contract tests."""

from tests.contract.conftest import backend, client

__all__ = ["backend", "client"]
