"""What a rule set is: a frozen and complete value, the numbers and the functions that differ by version.

A vote changes rules by putting another number in force; parameters of one chain are in ChainParams instead.
"""

from collections.abc import Callable
from dataclasses import dataclass

from chaosnet.model.transaction import SignedTx


@dataclass(frozen=True, slots=True)
class GasPrices:
    """Gas of each thing a transaction can ask for."""

    tx_base: int
    """Every transaction."""
    bytes_free: int
    """Bytes of a transaction that `tx_base` covers: one with one signature and one transfer fits."""
    per_byte: int
    """Each byte above."""
    per_signature: int
    """Each signature, the payer's too."""
    transfer: int
    """Priced as if it always opened the receiver's account, so that gas is known in advance."""
    set_policy: int
    policy_key: int
    """Each key of a new policy."""
    accuse: int
    """Two signatures to verify, and a record for ever."""
    register: int
    """Records that stay: dear enough that nobody fills the state with candidates."""
    delegate: int
    undelegate: int
    redelegate: int
    """Two candidates and two delegations."""
    withdraw: int
    unjail: int
    deploy: int
    """Loading the source is in it at its bound; its interface and `init` are charged as they run."""
    call: int
    """Before anything runs."""
    send_token: int
    """Also what an owner has allowed."""
    approve_token: int
    burn_token: int
    issue_token: int
    change_token: int
    convert_token: int
    fuel_per_gas: int
    """Fuel of machines for one gas."""


@dataclass(frozen=True, slots=True)
class RuleSet:
    """One version of the rules."""

    number: int
    gas: GasPrices
    intrinsic_gas: Callable[[GasPrices, SignedTx], int]
    """Gas that is known before execution."""

    def gas_of(self, signed: SignedTx) -> int:
        """Return the gas that a transaction needs before anything of it is executed."""
        known = signed.gas
        if known is None or known[0] != self.number:
            known = signed.gas = self.number, self.intrinsic_gas(self.gas, signed)
        return known[1]
