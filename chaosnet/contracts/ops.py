"""What a contract may ask of its host, and what everything costs (contracts: State, Calls).

Numbers of operations are append-only, and so are price lists: a rule set names one, and another price is
another list. Operations beyond `LAST` are reserved.
"""

from dataclasses import dataclass
from typing import Final

GET: Final = 1
SET: Final = 2
SCAN: Final = 3
EMIT: Final = 4
TRANSFER: Final = 5
CALL: Final = 6
BALANCE: Final = 7
HASH: Final = 8
VERIFY: Final = 9
CTX: Final = 11
GAS_LEFT: Final = 12
TRANSFER_AND_CALL: Final = 13
ISSUE: Final = 20
BURN: Final = 21
APPROVE: Final = 22
TRANSFER_FROM: Final = 23
ALLOWANCE: Final = 24
TOKEN: Final = 25
RIGHTS: Final = 26
CONVERT: Final = 27
PRINT: Final = 200

ENGINES: Final = ("lua/1", "js/1")
"""Abstract engines that a contract may name."""

LOAD_FUEL_MAX: Final = 20_000_000
"""(chain) fuel that loading a source may take."""
IMAGE_BYTE_FUEL: Final = 4
"""(chain) load fuel of each byte that a loaded contract adds to its engine's memory: each frame copies it."""
DEPTH_MAX: Final = 8
"""(chain) frames of calls inside each other."""
EVENT_BYTES_MAX: Final = 4 * 1024
"""(chain) bytes of one event's values."""
EVENTS_MAX: Final = 64
"""(chain) events of one transaction."""
SCAN_MAX: Final = 1_000
"""(chain) entries that one scan may ask for."""
ENTRY_OVERHEAD: Final = 512
"""(chain) bytes that an entry of the state counts for beside its key and value."""


@dataclass(frozen=True, slots=True)
class FuelPrices:
    """Fuel of each thing that the host does for a contract."""

    host_call: int
    """Every operation."""
    byte: int
    """Each byte that the host answers."""
    byte_in: int
    """Each byte that the guest sends or returns: it is decoded and checked, up to thousands of values."""
    address: int
    """Each text that must be an address: its checksum is reckoned."""
    key_part: int
    """Each part of a key that a scan lists."""
    read: int
    """An entry, a balance, or a step of a scan."""
    change: int
    """An entry or a balance that is written."""
    state_byte: int
    """Each byte by which the state grows: it is what caps the growth of the state in a block."""
    event: int
    hash_byte: int
    verify: int
    """A signature."""
    frame: int
    """Each call that enters a machine."""
    load_part: int
    """Of the fuel that loading took, each frame pays one part in so many, whether or not the image was
    still in memory."""


PRICES: Final = FuelPrices(
    host_call=20_000,
    byte=30,
    byte_in=400,
    address=80_000,
    key_part=3_000,
    read=40_000,
    change=350_000,
    state_byte=1_000,
    event=60_000,
    hash_byte=50,
    verify=600_000,
    frame=100_000,
    load_part=2,
)
"""Of rule set 1."""

_PRICE_LISTS: Final = {1: PRICES}


def asking_fuel(prices: FuelPrices) -> dict[int, int]:
    """Return what the commonest operations take before they are looked at; any other takes `host_call`."""
    extra = {GET: prices.read, SET: prices.change, EMIT: prices.event}
    return {op: prices.host_call + fuel for op, fuel in extra.items()}


_ASKING: Final = {number: asking_fuel(prices) for number, prices in _PRICE_LISTS.items()}


def asking_fuel_of(rule: int) -> dict[int, int]:
    """Return `asking_fuel` of a rule set."""
    return _ASKING[rule]


def prices_of(rule: int) -> FuelPrices:
    """Return the prices of a rule set."""
    return _PRICE_LISTS[rule]


def frame_fuel(prices: FuelPrices, load_fuel: int) -> int:
    """Return what a frame pays before its machine begins."""
    return prices.frame + load_fuel // prices.load_part


def callee_fuel(left: int, limit: int | None) -> int:
    """Return the fuel that a callee gets: all that is left less one part in 64, or less by a limit."""
    most = left - left // 64
    return most if limit is None else min(most, limit)
