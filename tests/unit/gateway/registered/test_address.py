"""Where a registered system may be."""

from __future__ import annotations

import pytest

from gateway.registered import address
from gateway.registered.address import AddressRefused, AddressUnknown, Places, target
from shared.errors import PlatformError

NOWHERE = (
    "169.254.169.254",
    "169.254.170.2",
    "[fe80::1]",
    "[fd00:ec2::254]",
    "100.100.100.200",
    "168.63.129.16",
    "0.0.0.0",
    "[::]",
    "224.0.0.1",
    "255.255.255.255",
    "[ff02::1]",
    "[::ffff:169.254.169.254]",
    "[64:ff9b::a9fe:a9fe]",
    "[2002:a9fe:a9fe::1]",
    "2852039166",
    "0xa9fea9fe",
    "0251.0376.0251.0376",
)
NO_ADDRESSES = (
    *("", "host", "host:", ":5001", "host:0", "host:65536", "host:-1", "host:5001/path", "http://host:5001"),
    *("unix:/run/socket", "unix:socket", "dns://8.8.8.8/host:1", "user@host:5001", "host:5001\r\n", "ho st:5001"),
    *("[::1%25lo]:5001", "-host:5001", "hôst:5001", "a" * 300 + ":1"),
)


@pytest.mark.parametrize("host", NOWHERE)
@pytest.mark.parametrize("tls", [True, False])
async def test_no_system_is_where_a_machine_keeps_its_secrets(host: str, tls: bool) -> None:
    with pytest.raises((AddressRefused, AddressUnknown)):
        await Places(plain_anywhere=True).check(f"{host}:80", tls)


@pytest.mark.parametrize("text", NO_ADDRESSES)
async def test_only_host_and_port_are_an_address(text: str) -> None:
    with pytest.raises(AddressRefused):
        await Places().check(text, True)


async def test_calls_leave_the_machine_encrypted_or_by_a_network_declared_private() -> None:
    await Places().check("127.0.0.1:5001", False)
    await Places().check("[::1]:5001", False)
    await Places().check("10.1.2.3:5001", True)
    await Places(plain_anywhere=True).check("10.1.2.3:5001", False)
    with pytest.raises(AddressRefused, match="tls"):
        await Places().check("10.1.2.3:5001", False)


async def test_systems_stay_in_the_networks_that_an_operator_names() -> None:
    places = Places(["10.1.0.0/16"])
    await places.check("10.1.2.3:5001", True)
    for elsewhere in ("10.2.0.1:5001", "127.0.0.1:5001", "8.8.8.8:5001"):
        with pytest.raises(AddressRefused, match="SYSTEM_NETWORKS"):
            await places.check(elsewhere, True)


async def test_a_name_with_one_bad_address_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    async def two(host: str, port: int) -> list[address.Ip]:
        return [address.ip_address("10.1.2.3"), address.ip_address("169.254.169.254")]

    monkeypatch.setattr(address, "resolved", two)
    with pytest.raises(AddressRefused):
        await Places().check("rebinding.example:5001", True)


async def test_a_name_without_an_address_is_told_as_that() -> None:
    with pytest.raises(PlatformError) as raised:
        await Places().check("no-such-host.invalid:5001", True)
    assert raised.value.error_reason == "SYSTEM_UNREACHABLE"


def test_a_host_called_like_a_scheme_is_a_host() -> None:
    assert target("unix:443") == "dns:///unix:443"
