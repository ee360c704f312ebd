"""Benchmark of calls on real nodes: transfers of a contract's token, from submission to every chain."""

from collections.abc import Sequence
from typing import Final

from chaosnet.base.codec import encode
from chaosnet.contracts import values
from chaosnet.crypto.addresses import format_address
from chaosnet.crypto.signing import sign
from chaosnet.daemon.benchmark import Note, network, push_all, scratch
from chaosnet.daemon.benchmark_programs import SOURCES
from chaosnet.daemon.benchmark_rig import CALL_GAS, LANGUAGES
from chaosnet.daemon.devnet import Devnet
from chaosnet.daemon.loadgen import EXPIRY, Sender, make_senders, read_total
from chaosnet.ledger.contracts.records import contract_id
from chaosnet.model.contract_actions import Call, Deploy
from chaosnet.model.policy import Witness
from chaosnet.model.transaction import Action, Transaction, TxBody, decode_transaction, tx_id_of
from chaosnet.rpc.client import Client

DEPLOY_GAS: Final = 4_000_000
FIRST_GAS: Final = 6 * CALL_GAS
"""Of a call that adds accounts to the token."""
DEPOSIT_MAX: Final = 10**10
SAMPLE: Final = 50
"""Of so many calls one is asked whether it went well."""


def measure_calls(
    nodes: int, language: str, *, senders: int, rounds: int, runs: int, note: Note
) -> list[float]:
    """Return calls a second that so many validators commit, a run each; raises RuntimeError."""
    rates = []
    for i in range(runs):
        note(f"contract calls in {language}, {nodes} validators, run {i + 1} of {runs}")
        people = make_senders(senders)
        with scratch() as directory, network(nodes, people, directory) as net:
            rates.append(_rate(net, language, people, rounds))
    return rates


def _rate(net: Devnet, language: str, people: Sequence[Sender], rounds: int) -> float:
    genesis, prefix, owner = bytes.fromhex(net.plan.genesis), net.plan.address_prefix, people[0]
    source = SOURCES[language].encode()
    deploy = Deploy(LANGUAGES[language], source, values.encode([]), 0, DEPOSIT_MAX)
    nodes = net.plan.nodes
    push_all(nodes, [signed(genesis, owner, 0, deploy, DEPLOY_GAS)], already=read_total(nodes[0])[1])
    contract = contract_id(genesis, owner.address, 0, 0)
    raws = []
    for nonce in range(1, rounds + 2):
        for i, person in enumerate(people):
            to = people[(i * 7 + nonce) % len(people)]
            args = values.encode([format_address(prefix, to.address), 1])
            call = Call(contract, "send", args, (), DEPOSIT_MAX)
            raws.append(
                signed(
                    genesis, person, nonce - (person is not owner), call, CALL_GAS if nonce > 1 else FIRST_GAS
                )
            )
    first = len(people)  # everybody has an account of the token from then on
    push_all(nodes, raws[:first], already=read_total(nodes[0])[1])
    rate = push_all(nodes, raws[first:], already=read_total(nodes[0])[1])
    with Client(nodes[-1].rest_url) as client:
        codes = {str(client.transaction(tx_id).code) for tx_id in _ids(raws[first::SAMPLE])}
    if codes != {"ok"}:
        raise RuntimeError(f"calls ended with {sorted(codes)}")
    return round(rate, 1)


def signed(genesis: bytes, sender: Sender, nonce: int, action: Action, gas: int) -> bytes:
    """Return a transaction with one action."""
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


def _ids(raws: Sequence[bytes]) -> list[str]:
    return [decode_transaction(raw).tx_id.hex() for raw in raws]
