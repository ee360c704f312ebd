"""Generated contracts on four real nodes, one of them killed and started again midway: they never disagree.

Which programs, and in which order a sender sends them, follows from a printed seed; when blocks are made and
when the kill comes does not.
"""

import json
import secrets
from collections import Counter
from pathlib import Path

import pytest

from chaosnet.base.codec import encode
from chaosnet.base.dice import Dice
from chaosnet.crypto.addresses import format_address
from chaosnet.crypto.signing import sign
from chaosnet.daemon.devnet import Devnet
from chaosnet.daemon.loadgen import EXPIRY, Push, Sender, make_senders, read_total, wait_for_total
from chaosnet.ledger.contracts.records import contract_id
from chaosnet.model.policy import Witness
from chaosnet.model.transaction import Action, Transaction, TxBody, tx_id_of
from chaosnet.storage.reader import ChainView
from tests.differential.programs import DEPLOY_GAS, draw
from tests.e2e.net import chaosnet, network, same_state, wait_for

pytestmark = pytest.mark.process

EACH = 20
"""Programs of one sender: with their calls, what a pool takes from one account."""
SHARE = 300
"""Programs pushed at once."""
KNOWN_PEERS = 50
FEW, MANY = 300, 10_000


def signed(genesis: bytes, sender: Sender, nonce: int, action: Action, gas: int) -> bytes:
    body = TxBody(
        genesis=genesis,
        sender=sender.address,
        nonce=nonce,
        anchor_height=0,
        anchor_prefix=genesis[:8],
        expiry=EXPIRY,
        gas_limit=gas,
        gas_price=1,
        payer=None,
        memo="",
        actions=(action,),
    )
    witness = Witness(policy=sender.policy, signatures=((0, sign(sender.seed, tx_id_of(body))),))
    return encode(Transaction(body=body, witness=witness, payer_witness=None))


def load(net: Devnet, senders: list[Sender], dice: Dice, first: int, count: int) -> list[bytes]:
    """Return the transactions of programs `first` and following: each is deployed, then called."""
    genesis, prefix = bytes.fromhex(net.plan.genesis), net.plan.address_prefix
    raws: list[bytes] = []
    peers: list[tuple[bytes, str]] = []
    for number in range(first, first + count):
        sender, nonce = senders[number // EACH], number % EACH * 3
        program = draw(dice, number)
        address = contract_id(genesis, sender.address, nonce, 0)
        peers = [*peers[-KNOWN_PEERS:], (address, format_address(prefix, address))]
        made = [(program.deploy(), DEPLOY_GAS), *program.actions(address, peers)]
        raws += [signed(genesis, sender, nonce + i, action, gas) for i, (action, gas) in enumerate(made)]
    return raws


def push(net: Devnet, raws: list[bytes], names: list[str], *also: str) -> None:
    """Give transactions to some nodes; each is taken, or answered with one of the other codes."""
    nodes = [node for node in net.plan.nodes if node.name in names]
    pushed = Push(nodes, [raws[i : i + 90] for i in range(0, len(raws), 90)]).start()
    pushed.join()
    assert pushed.codes.total() == len(raws)
    assert set(pushed.codes) <= {"ok", *also}, pushed.codes


def stored(net: Devnet) -> Counter[str]:
    """Compare headers and outcomes of all nodes, byte by byte; return the codes of all receipts."""
    views = [ChainView(net.directory / name / "data") for name in net.names()]
    codes: Counter[str] = Counter()
    for height in range(1, min(view.final_height() for view in views) + 1):
        headers = {view.stored_header(height).header for view in views}  # type: ignore[union-attr]
        outcomes = {view.outcomes(height) for view in views}
        assert (len(headers), len(outcomes)) == (1, 1), f"block {height} differs"
        codes.update(receipt.code for receipt in views[0].receipts(height) or ())
    for view in views:
        view.close()
    return codes


def verified(net: Devnet, name: str) -> str:
    """Execute the chain of a node again in another process; return the state root."""
    data, genesis = net.directory / name / "data", net.directory / "genesis.json"
    done = chaosnet("verify", "--data-dir", str(data), "--genesis", str(genesis), "--json")
    return str(json.loads(done.stdout)["state_root"])


def run(
    directory: Path, count: int, seed: str, monkeypatch: pytest.MonkeyPatch, *, verify: int
) -> Counter[str]:
    print(f"seed {seed}")
    dice = Dice(seed.encode())
    senders = make_senders(-(-count // EACH), f"programs {seed}")
    with network(directory / "net", 4, senders) as net:
        names = net.names()
        for first in range(0, count, SHARE):
            raws = load(net, senders, dice, first, min(SHARE, count - first))
            half = len(raws) // 2
            before = read_total(net.plan.nodes[0])[1]
            push(net, raws[:half], names)
            victim = names[dice.below(len(names))]
            wait_for("some of it", lambda: read_total(net.plan.nodes[0])[1] > before)  # noqa: B023
            net.kill(victim)
            others = [name for name in names if name != victim]
            # Again, for it may have been killed before it told anybody what it was given.
            push(net, raws[:half], others, "already_known", "nonce_too_low")
            push(net, raws[half:], others)
            # Half of those killed go on with a core that is not compiled.
            monkeypatch.setenv("CHAOSNET_PURE", "" if first // SHARE % 2 else "1")
            net.start(victim)
            net.wait_ready([victim])
            wanted = before + len(raws)
            assert wait_for_total(net.plan.nodes, wanted, patience_s=60) == wanted
        wait_for("the same state", lambda: same_state(net))
        for name in names:
            net.stop(name)
        codes = stored(net)
        assert len({verified(net, name) for name in names[:verify]}) == 1
    assert codes.total() == 3 * count
    return codes


def test_nodes_agree_on_what_nobody_would_write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    codes = run(tmp_path, FEW, "make test", monkeypatch, verify=1)
    assert codes["ok"] > FEW
    assert set(codes) >= {"ok", "out_of_gas", "reverted", "script_error"}


@pytest.mark.soak
@pytest.mark.timeout(5_400)
def test_nodes_agree_on_ten_thousand_programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    codes = run(tmp_path, MANY, secrets.token_hex(8), monkeypatch, verify=2)
    assert set(codes) >= {"ok", "out_of_gas", "reverted", "script_error", "memory", "too_large", "reentered"}
