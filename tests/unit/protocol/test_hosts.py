"""Hosts are sorted by how far they can be reached from, and grouped by who is likely to own them."""

import pytest

from chaosnet.protocol.hosts import LOOPBACK, NOWHERE, PRIVATE, PUBLIC, ban_unit_of, group_of, scope_of


@pytest.mark.parametrize(
    "host, scope",
    [
        ("127.0.0.1", LOOPBACK),
        ("127.8.9.1", LOOPBACK),
        ("::1", LOOPBACK),
        ("localhost", LOOPBACK),
        ("10.1.2.3", PRIVATE),
        ("172.31.0.1", PRIVATE),
        ("172.32.0.1", PUBLIC),
        ("192.168.0.9", PRIVATE),
        ("169.254.0.9", PRIVATE),
        ("100.64.0.9", PRIVATE),
        ("fd00::1", PRIVATE),
        ("fe80::1", PRIVATE),
        ("::ffff:10.0.0.1", PRIVATE),
        ("8.8.8.8", PUBLIC),
        ("2001:4860::1", PUBLIC),
        ("node-1.example.org", PUBLIC),
        ("node1", PUBLIC),
        ("0.0.0.0", NOWHERE),
        ("::", NOWHERE),
        ("224.0.0.1", NOWHERE),
        ("127.1", NOWHERE),
        ("0x7f000001", NOWHERE),
        ("2130706433", NOWHERE),
        ("bad host", NOWHERE),
        ("\x1b[2J", NOWHERE),
        (".", NOWHERE),
    ],
)
def test_scope(host: str, scope: int) -> None:
    assert scope_of(host) == scope


def test_public_hosts_of_one_network_are_one_group() -> None:
    assert group_of("8.8.1.1", 1) == group_of("8.8.200.7", 2) != group_of("8.9.1.1", 1)
    assert group_of("2001:4860::1", 1) == group_of("2001:4860:ffff::1", 2) != group_of("2001:4861::1", 1)
    assert group_of("a.example.org", 1) == group_of("B.Example.org", 2) != group_of("a.example.net", 1)


def test_neighbours_are_groups_of_their_own() -> None:
    assert group_of("127.0.0.1", 1) != group_of("127.0.0.1", 2)
    assert group_of("10.0.0.1", 1) != group_of("10.0.0.2", 1)


def test_only_public_addresses_can_be_banned_as_hosts() -> None:
    assert ban_unit_of("8.8.8.8") == ban_unit_of("::ffff:8.8.8.8") == "8.8.8.8"
    assert ban_unit_of("2001:db8::1") == ban_unit_of("2001:db8::ffff") != ban_unit_of("2001:db8:0:1::1")
    for host in ("127.0.0.1", "10.0.0.1", "fd00::1", "node1", ""):
        assert ban_unit_of(host) == ""
