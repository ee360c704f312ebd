"""What a host's text says about where it is: how far it can be reached from, and whom it stands beside.

Names count as public. The private ranges are listed here, not taken from the library, whose lists change
between releases: RFC 1918, 3927, 6598 (IPv4), RFC 4193 and 4291 (IPv6).
"""

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Final

NOWHERE: Final = 0
"""Not to be dialled: unspecified, multicast, no name at all, or an IP address in an odd notation."""
LOOPBACK: Final = 1
PRIVATE: Final = 2
PUBLIC: Final = 3

_PRIVATE_V4: Final = tuple(
    map(IPv4Network, ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16", "100.64.0.0/10"))
)
_PRIVATE_V6: Final = tuple(map(IPv6Network, ("fc00::/7", "fe80::/10")))


def _address_of(host: str) -> IPv4Address | IPv6Address | None:
    """Return the IP address a text stands for; None: it is a name."""
    try:
        address = ip_address(host)
    except ValueError:
        return None
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address


def scope_of(host: str) -> int:
    """Return from how far a host can be reached: NOWHERE < LOOPBACK < PRIVATE < PUBLIC."""
    address = _address_of(host)
    if address is None:
        return _scope_of_name(host)
    if address.is_unspecified or address.is_multicast:
        return NOWHERE
    if address.is_loopback:
        return LOOPBACK
    if isinstance(address, IPv4Address):
        return PRIVATE if any(address in net for net in _PRIVATE_V4) else PUBLIC
    return PRIVATE if any(address in net for net in _PRIVATE_V6) else PUBLIC


def _scope_of_name(name: str) -> int:
    if not name.isascii() or not all(c.isalnum() or c in "-._" for c in name):
        return NOWHERE
    last = name.rstrip(".").rpartition(".")[2]
    if not last or last[0].isdigit():  # resolvers read 127.1 and 0x7f000001 as addresses
        return NOWHERE
    return LOOPBACK if last.lower() == "localhost" else PUBLIC


def group_of(host: str, port: int) -> str:
    """Return the network a host is counted in: /16 for IPv4, /32 for IPv6, the last two labels of a name.

    On loopback and private networks every endpoint is its own group: there the prefix tells nothing of who
    runs the node.
    """
    address = _address_of(host)
    if address is None:
        return ".".join(host.lower().rsplit(".", 2)[-2:])
    if scope_of(host) < PUBLIC:
        return f"{address}:{port}"
    return address.packed[: 2 if isinstance(address, IPv4Address) else 4].hex()


def ban_unit_of(host: str) -> str:
    """Return what to ban for a host: its IPv4 address or IPv6 /64; empty when it is never banned."""
    address = _address_of(host)
    if address is None or scope_of(host) < PUBLIC:
        return ""
    return str(address) if isinstance(address, IPv4Address) else address.packed[:8].hex()
