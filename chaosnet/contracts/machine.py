"""What a virtual machine owes the ledger: the border between a frame of a call and the script inside it.

A machine is a function: the same image, method, arguments, fuel and host answers give the same end on every
computer. One fuel is one executed wasm operator; the host charges its own work from the same meter.

Operations of the guest (`env.host`): number, what it sends, what it is answered. Numbers are append-only;
100 to 199 are reserved. Keys of storage are lists: the name of a declared entry, then int, text or bytes.
An operation that is answered with nothing may wait in the guest. It is done in its place: before the next one
that is answered, or at the end of a call that returns. A call that fails or reverts leaves it undone.

     1 get                key                               value or nil
     2 set                [key, value]                      nil; value nil deletes
     3 scan               [prefix, after | nil, limit]      list of [key, value], ascending, keys in full
     4 emit               [name, values]                    nil
     5 transfer           [to, asset, amount]               nil
     6 call               [contract, method, args, sent, fuel, is_static, is_try]
                          the callee's value; with is_try [true, value] or [false, code, text]
                          sent: map of asset to amount, or nil; fuel: most that it may use, or nil
     7 balance            [address, asset]                  int
     8 hash               [kind, data]                      hex text; data is bytes or text (its UTF-8)
     9 verify             [kind, key, message, signature]   bool
    11 ctx                []                                map: self caller origin action tx height time
                                                            chain sent; asked only where it did not
                                                            come with the call
    12 gas_left           []                                int
    13 transfer_and_call  [to, asset, amount, method, args] the callee's value
    20 issue              [asset | nil, to, amount, options | nil]   asset; nil makes a new one from options
    21 burn               [asset, amount]                   nil
    22 approve            [asset, spender, expected, new, expiry]    nil
    23 transfer_from      [asset, from, to, amount]         nil
    24 allowance          [asset, owner, spender]           int
    25 token              [asset]                           map or nil
    26 rights             [asset, change, details]          nil
    27 convert            [asset, amount, into, min_out, expiry]     int
   200 print              list of values                    nil; shown in tests only
"""

from collections.abc import Callable
from typing import Literal, Protocol

import msgspec

METHOD_INIT = "@init"
"""Runs the contract's `init`, once, with the arguments of the deployment."""
METHOD_INTERFACE = "@interface"
"""Answers the interface that the source declares, as a map."""


class Meter(Protocol):
    """The fuel of the running frame, seen from a host function."""

    def left(self) -> int:
        """Return the fuel that is left."""
        ...

    def charge(self, fuel: int) -> None:
        """Take this much fuel; raise OutOfGas when nothing would be left."""
        ...


HostCall = Callable[[int, bytes, Meter], bytes | None]
"""Answers one operation: (number, canonical payload, meter) -> canonical value, or None for nil.

Raises GuestFault to end the frame. Any other exception ends the whole process's work: it reaches the caller
of `Machine.call` as Broken.
"""


class Ended(msgspec.Struct, frozen=True):
    """How a frame ended."""

    kind: Literal["returned", "reverted", "failed"]
    """`reverted`: the contract itself refused. Only `failed` costs the whole fuel of the frame."""
    code: str
    """`ok`, or a code of FAULTS."""
    value: bytes
    """The returned value, canonical; empty unless `returned`."""
    text: str
    """What the contract or its language said; at most TEXT_BYTES_MAX bytes."""
    fuel_used: int
    """Fuel taken from the meter, by the guest and by host functions."""


class Image(Protocol):
    """A loaded contract, ready to be called; a pure function of engine, prelude and source."""

    @property
    def engine(self) -> str:
        """Abstract engine that the contract names: `lua/1` or `js/1`."""
        ...

    @property
    def load_fuel(self) -> int:
        """Fuel that loading the source took; a fixed charge for each frame follows from it."""
        ...

    @property
    def size_bytes(self) -> int:
        """Memory that the image takes."""
        ...


class Machine(Protocol):
    """Runs contracts of every engine of one rule set."""

    def prepare(self, engine: str, source: bytes) -> Image:
        """Load a source; raise GuestFault(`script_error`, `out_of_gas`, ...) when it does not load."""
        ...

    def call(
        self, image: Image, method: str, args: bytes, fuel: int, host: HostCall, ctx: bytes = b""
    ) -> Ended:
        """Run one method with canonical bytes of its list of arguments, at most `fuel` deep into the meter.

        `ctx` is what the operation of that name would answer; without it the host is asked when needed.

        Each call starts from the image as loaded: nothing but the host remembers. May be entered again from
        inside `host`, up to the depth of frames. Raises Broken when anything but the guest fails.
        """
        ...
