"""What a simulated machine has beside its sign state: lots to draw, a hash onion, and a miner.

The miner does not work through the hashes: the time until it finds is drawn, exponential with the mean that
its hash rate and the target give, and only then a nonce is really searched, with a hash that is cheap.
"""

from functools import lru_cache
from hashlib import sha256
from typing import Final

from chaosnet.base.dice import Dice
from chaosnet.consensus.asert import TARGET_MAX
from chaosnet.crypto import vrf
from chaosnet.crypto.reveals import REVEAL_BYTES, layer_over
from chaosnet.kernel import events as ev
from chaosnet.sim.cast import Actor

LAYERS: Final = 512
"""Of a hash onion; it begins anew after so many blocks of one producer."""
_LN_2: Final = 45_426
"""Natural logarithm of 2, in 65,536ths."""


def answer_of(actor: Actor, asked: ev.AskAnswer) -> bytes:
    """Return the proof of the lottery, or the layer under the last one."""
    if asked.kind == "lottery":
        return _lot(actor.vrf_seed, asked.question)
    layers = _onion(actor.consensus_seed)
    if asked.question not in layers[1:]:
        return layers[-1]
    return layers[layers.index(asked.question) - 1]


@lru_cache(maxsize=4_096)
def _lot(seed: bytes, question: bytes) -> bytes:
    return vrf.prove(seed, question)


@lru_cache(maxsize=128)
def _onion(seed: bytes) -> tuple[bytes, ...]:
    layers = [sha256(b"onion" + seed).digest()[:REVEAL_BYTES]]
    for _ in range(LAYERS):
        layers.append(layer_over(layers[-1]))
    return tuple(layers)


def cheap_work(pre_hash: bytes, nonce: int) -> int:
    """Return a hash in place of scrypt."""
    return int.from_bytes(sha256(pre_hash + nonce.to_bytes(8, "big")).digest(), "big")


def time_to_find_us(dice: Dice, target: int, hash_rate: int) -> int:
    """Return how long a search takes; `hash_rate` is in hashes a second, the time exponential."""
    tries = TARGET_MAX // (target + 1) + 1
    return tries * 1_000_000 * exponential(dice) // hash_rate >> 16


def exponential(dice: Dice) -> int:
    """Return an exponential number with the mean 1, in 65,536ths."""
    drawn = dice.u64() | 1
    shift = 64 - drawn.bit_length()
    mantissa, fraction = drawn << shift, 0
    for _ in range(16):  # binary logarithm, a bit at a time
        mantissa = mantissa * mantissa >> 63
        fraction <<= 1
        if mantissa >> 64:
            mantissa >>= 1
            fraction |= 1
    return (((shift + 1) << 16) - fraction) * _LN_2 >> 16


def find_nonce(dice: Dice, pre_hash: bytes, target: int) -> int:
    """Return a nonce that meets a target."""
    nonce = dice.below(1 << 32)
    while cheap_work(pre_hash, nonce) > target:
        nonce += 1
    return nonce
