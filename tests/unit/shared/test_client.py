"""What is believed about where a request comes from."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.client import Arrival, Client, arrived, current, peer_address, told


@pytest.mark.parametrize(
    ("peer", "address"),
    [
        ("ipv4:10.0.0.7:53422", "10.0.0.7"),
        ("ipv6:%5B::1%5D:53422", "::1"),
        ("ipv6:[2001:db8::7]:1", "2001:db8::7"),
        ("unix:socket", ""),
        ("", ""),
    ],
)
def test_a_peer_that_tells_nothing_is_the_client_itself(peer, address):
    assert peer_address(peer) == address
    arrived.set(Arrival(peer))
    assert current() == Client(address)


@given(st.ip_addresses().map(str), st.binary(max_size=300))
def test_what_an_edge_tells_comes_back_and_fits_into_a_header(address, agent):
    sent = told({"client": (address, 1)}, {b"user-agent": agent})
    assert sent.isascii()
    assert sent.isprintable()
    arrived.set(Arrival("ipv4:127.0.0.1:1", sent))
    found = current()
    assert found.address == address
    assert found.user_agent == "".join(one for one in agent.decode("latin-1")[:256] if one.isprintable())


def test_an_edge_that_knows_no_client_tells_none():
    arrived.set(Arrival("ipv4:127.0.0.1:1", told({"client": None}, {})))
    assert current() == Client()
