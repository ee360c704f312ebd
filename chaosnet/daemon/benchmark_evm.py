"""A token transfer as an ERC-20, and how many of them py-evm runs: for comparison.

The bytecode is written by hand: balances in a mapping, a check, and a Transfer event, as every ERC-20 does,
without the dispatch of methods. It runs as `host` of benchmark_contracts does: no transaction around it.

Also a program of its own, for a Python that has py-evm: it prints the transfers a second of processor time.
"""

import importlib
import time
from typing import Any, Final

CALLS: Final = 300
TRANSFER_TOPIC: Final = "ddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef"
"""Keccak-256 of `Transfer(address,address,uint256)`."""
_KEY: Final = "600052" + "6000602052" + "60406000" + "20"
"""Top of the stack is an address; leaves the place of its balance: keccak(address, slot 0)."""
_BODY: Final = (
    "33" + _KEY + "8054" + "602435"  # place of the caller, its balance, the amount
    "80821060{fail}57"  # less than the amount: fail
    "90819003" + "8255" + "9050"  # store what is left; the amount
    "600435" + _KEY + "80548201" + "9055"  # add it to the receiver's
    "600052" + "600435" + "33" + "7f" + TRANSFER_TOPIC + "60206000a3"  # the event
    "6001600052" + "60206000f3"  # true
)
_FAIL: Final = "5b60006000fd"


def token_code() -> bytes:
    """Return the bytecode of `transfer(address to, uint256 amount)`."""
    at = len(bytes.fromhex(_BODY.replace("{fail}", "00")))
    return bytes.fromhex(_BODY.replace("{fail}", f"{at:02x}") + _FAIL)


def py_evm_rate(calls: int = CALLS) -> float:
    """Return transfers a second of processor time; raises ImportError without py-evm."""
    cancun = importlib.import_module("eth.vm.forks.cancun")
    chains = importlib.import_module("eth.chains.base")
    memory = importlib.import_module("eth.db.atomic")
    keccak = importlib.import_module("eth_hash.auto").keccak
    chain_class = chains.MiningChain.configure(
        __name__="Bench", vm_configuration=((0, cancun.CancunVM),), chain_id=1
    )
    chain = chain_class.from_genesis(memory.AtomicDB(), {"difficulty": 0, "gas_limit": 10**9, "timestamp": 1})
    vm: Any = chain.get_vm()
    token, owner = b"\x01" * 20, b"\x02" * 20
    place = int.from_bytes(keccak(owner.rjust(32, b"\x00") + bytes(32)), "big")
    vm.state.set_storage(token, place, 10**18)
    code = token_code()
    begin = time.process_time()
    for i in range(calls):
        to = (i % 100 + 1).to_bytes(32, "big")
        done = vm.execute_bytecode(
            origin=owner,
            gas_price=1,
            gas=200_000,
            to=token,
            sender=owner,
            value=0,
            data=b"\xa9\x05\x9c\xbb" + to + (1).to_bytes(32, "big"),
            code=code,
        )
        if done.is_error:
            raise RuntimeError(f"py-evm: {done.error!r}")
    seconds = time.process_time() - begin
    if vm.state.get_storage(token, place) != 10**18 - calls or len(done.get_log_entries()) != 1:
        raise RuntimeError("py-evm: the transfers did not happen")
    return round(calls / seconds, 1)


if __name__ == "__main__":
    print(py_evm_rate())  # noqa: T201 - what a program is for
