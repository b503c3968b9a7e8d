"""What the roles allow."""

from __future__ import annotations

import pytest

from shared.permissions import PERMISSIONS, ROLES, allows, permissions_of
from shared.systems import SYSTEMS


def test_the_roles_are_those_of_the_contract() -> None:
    assert set(ROLES) == {"admin", "analyst", "investigator", "viewer", "api_user"}


def test_an_admin_may_do_everything_that_any_role_may() -> None:
    assert frozenset().union(*PERMISSIONS.values()) == PERMISSIONS["admin"]


def test_an_admin_may_manage_every_system() -> None:
    assert {f"{system.name}:manage" for system in SYSTEMS} <= PERMISSIONS["admin"]


@pytest.mark.parametrize(
    ("role", "sees"), [("admin", True), ("investigator", True), ("analyst", False), ("viewer", False)]
)
def test_personal_data_are_for_admins_and_investigators(role: str, sees: bool) -> None:
    assert ("pii:read" in PERMISSIONS[role]) is sees


def test_a_viewer_reads_four_systems_and_those_registered_and_runs_nothing() -> None:
    shipped = {"market_intel:read", "demand:read", "market_pulse:read", "copilot:read"}
    assert PERMISSIONS["viewer"] == shipped | {"systems:read"}


def test_an_analyst_runs_what_a_viewer_reads_and_reads_compliance_and_the_pipeline() -> None:
    runs = {permission.replace(":read", ":run") for permission in PERMISSIONS["viewer"]}
    assert PERMISSIONS["analyst"] == PERMISSIONS["viewer"] | runs | {"compliance:read", "pipeline:read"}


def test_roles_add_up_and_an_unknown_one_adds_nothing() -> None:
    together = permissions_of(["analyst", "investigator", "astronaut"])
    assert together == PERMISSIONS["analyst"] | PERMISSIONS["investigator"]
    assert permissions_of(["astronaut"]) == permissions_of([]) == frozenset()


@pytest.mark.parametrize(
    ("held", "permission", "allowed"),
    [
        ({"demand:read"}, "demand:read", True),
        ({"systems:read"}, "weather:read", True),
        ({"weather:read"}, "weather:read", True),
        ({"systems:read"}, "weather:run", False),
        ({"systems:run"}, "weather:read", False),
        ({"systems:read"}, "compliance:read", False),
        ({"systems:manage"}, "platform:manage", False),
        ({"systems:read"}, "pii:read", False),
        ({"systems:read"}, "systems:run", False),
        ({"systems:read"}, "weather", False),
        ({"systems:"}, "weather:", False),
    ],
)
def test_one_permission_stands_for_every_registered_system_and_for_no_other(
    held: set[str], permission: str, allowed: bool
) -> None:
    assert allows(held, permission) is allowed
