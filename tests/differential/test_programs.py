"""The generator itself: the same seed, the same programs, the same chain; everything happens somewhere."""

from collections import Counter

from chaosnet.base.dice import Dice
from chaosnet.devchain.chain import DevChain
from tests.differential.programs import JS, LUA, draw
from tests.machines import machine, new_machine, on_big_stack

COUNT = 150


def everything(chain: DevChain) -> tuple[bytes, Counter[str]]:
    """Deploy and call programs; return the state root and how each transaction ended."""
    dice, codes = Dice(b"programs"), Counter[str]()
    peers: list[tuple[bytes, str]] = []
    for number in range(COUNT):
        program = draw(dice, number)
        made = chain.act(program.deploy())
        assert made.is_ok, f"{made.text}\n{program.source}"
        address = str(made.value)
        peers.append((chain.address_of(address), address))
        for action, gas in program.actions(peers[-1][0], peers):
            codes[f"{program.engine} {chain.act(action, gas=gas).code}"] += 1
    return chain.root, codes


def test_the_same_with_an_image_in_memory_and_without() -> None:
    def run() -> None:
        root, codes = everything(DevChain(machine()))
        assert everything(DevChain(machine())) == (root, codes)
        assert everything(DevChain(new_machine())) == (root, codes)
        for engine in (LUA, JS):
            for code in ("ok", "out_of_gas", "reverted", "script_error"):
                assert codes[f"{engine} {code}"], f"{engine} {code}: {codes}"

    on_big_stack(run)


def test_both_languages_come_alike() -> None:
    drawn = Counter(draw(Dice(str(seed).encode()), 0).engine for seed in range(60))
    assert min(drawn[LUA], drawn[JS]) > 15
