"""The ERC-20 to compare with: its bytecode is whole."""

from chaosnet.daemon.benchmark_evm import token_code

JUMPDEST, JUMPI = 0x5B, 0x57


def test_a_failure_jumps_to_where_code_for_it_is() -> None:
    code = token_code()
    at = code.index(bytes((JUMPI,))) - 1
    assert code[at - 1] == 0x60
    assert code[code[at]] == JUMPDEST
    assert code[code[at] :] == bytes.fromhex("5b60006000fd")
