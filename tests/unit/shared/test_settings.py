"""What a process is told from outside."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from pydantic import ValidationError

from shared.settings import ProcessSettings
from shared.systems import SYSTEMS


@pytest.fixture(autouse=True)
def no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing the machine says reaches these tests."""
    for name in ProcessSettings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)


def test_defaults_are_for_a_laptop() -> None:
    settings = ProcessSettings()
    assert settings.grpc_address == "127.0.0.1:0"
    assert settings.lake == "var/lake"
    assert not settings.tls and settings.telemetry == "off"


def test_services_are_named_addresses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SERVICES", "auth=127.0.0.1:5001, demand=demand.internal:443,")
    assert ProcessSettings().services == {"auth": "127.0.0.1:5001", "demand": "demand.internal:443"}


@pytest.mark.parametrize("wrong", ["auth", "auth=", "=127.0.0.1:1", "auth=localhost", "auth=h:70000", "auth=h:x"])
def test_a_wrong_list_of_services_says_what_to_write(monkeypatch: pytest.MonkeyPatch, wrong: str) -> None:
    monkeypatch.setenv("SERVICES", wrong)
    with pytest.raises(ValidationError, match=r"127\.0\.0\.1:5001"):
        ProcessSettings()


@pytest.mark.parametrize("variable", ["GRPC_ADDRESS", "HTTP_ADDRESS"])
def test_an_address_has_a_port(monkeypatch: pytest.MonkeyPatch, variable: str) -> None:
    monkeypatch.setenv(variable, "127.0.0.1")
    with pytest.raises(ValidationError, match="host:port"):
        ProcessSettings()


def test_zones_lie_below_the_lake_and_every_system_has_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VAR_DIR", "/srv/shop")
    zones = ProcessSettings().zone_uris()
    assert zones["raw"] == "/srv/shop/lake/raw" and zones["demand"] == "/srv/shop/lake/prod/demand"
    assert set(zones) == {"raw", "curated", "quarantine", "pipeline", "archive", *(system.zone for system in SYSTEMS)}


def test_a_zone_may_lie_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAKE_URI", "s3://lake/")
    monkeypatch.setenv("CURATED_URI", "s3://curated")
    monkeypatch.setenv("PROD_URI_DEMAND", "s3://demand")
    monkeypatch.setenv("PROD_URI_STOCK", "s3://stock")
    zones = ProcessSettings().zone_uris()
    assert (zones["raw"], zones["curated"]) == ("s3://lake/raw", "s3://curated")
    assert (zones["demand"], zones["stock"]) == ("s3://demand", "s3://stock")


def test_an_empty_variable_counts_as_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("TLS_CA", "SUPERVISOR_PID", "SERVICES", "PROD_URI_DEMAND", "LOG_LEVEL"):
        monkeypatch.setenv(name, "")
    settings = ProcessSettings()
    assert settings.supervisor_pid is None and settings.tls_ca is None and settings.prod_uris == {}


def test_tls_needs_all_its_files() -> None:
    with pytest.raises(ValidationError, match="TLS_KEY"):
        ProcessSettings(tls_ca=Path("ca.pem"))


def test_settings_do_not_change() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        ProcessSettings().log_level = "debug"  # type: ignore[misc]


def test_an_object_store_is_reached_as_the_aws_variables_say(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    assert ProcessSettings().storage_options == {}
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "someone")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:5000")
    settings = ProcessSettings()
    assert settings.storage_options == {
        "aws_access_key_id": "someone",
        "aws_endpoint_url": "http://127.0.0.1:5000",
        "aws_conditional_put": "etag",
        "aws_virtual_hosted_style_request": "false",
        "aws_region": "us-east-1",
        "aws_allow_http": "true",
    }
    assert "someone" not in repr(settings)
