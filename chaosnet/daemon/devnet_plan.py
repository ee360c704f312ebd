"""What a local network is made of: genesis, keys, a directory and ports for each node. Written once."""

import secrets
import time
from pathlib import Path

import msgspec

from chaosnet.base.errors import Invalid
from chaosnet.base.units import MOTES_PER_COS, Address
from chaosnet.crypto.addresses import format_address
from chaosnet.crypto.signing import public_key_of
from chaosnet.daemon.answers import vrf_key_of
from chaosnet.daemon.keystore import Keystore
from chaosnet.ledger.genesis_check import check_genesis
from chaosnet.model.genesis import (
    ENGINES_KNOWN,
    STAKING_ENGINES,
    Allocation,
    Bond,
    EngineFrom,
    Genesis,
    Member,
    genesis_hash_of,
)
from chaosnet.model.genesis_json import format_genesis
from chaosnet.model.genesis_make import consortium_genesis
from chaosnet.model.policy import address_of, single_key
from chaosnet.storage.signstate_file import SignStateFile

PLAN_FILE = "devnet.json"
NODES_MAX = 32
SCRYPT_N = 1 << 12
"""The password lies beside the keys of a devnet: a costly derivation would only slow its start."""
FAUCET = "faucet"
FAUCET_COS = 9_000_000
PORTS_PER_NODE = 3
OPERATOR_COS = 20_000
"""Of each operator where validators are elected by bonded coins; half of it is bonded from the start."""
PBFT = (EngineFrom(1, "pbft"),)
FAST_POW = {
    "pow_target_ms": 1_000,
    "pow_half_life_ms": 30_000,
    "pow_bits": 0x2001_FFFF,
    "finality_depth": 10,
    "handover_depth": 4,
}
"""About 128 tries a block, which two cores make in less than half a second."""
FAST_STAKING = {"slot_ms": 500, "epoch_blocks": 20, "trust_period_ms": 86_400_000}


class NodePlan(msgspec.Struct, frozen=True):
    """One node of the devnet."""

    name: str
    p2p_port: int
    public_port: int
    operator_port: int

    @property
    def rest_url(self) -> str:
        """Public interface."""
        return f"http://127.0.0.1:{self.public_port}"

    @property
    def operator_url(self) -> str:
        """Operator interface."""
        return f"http://127.0.0.1:{self.operator_port}"


class Plan(msgspec.Struct, frozen=True):
    """The whole devnet."""

    chain_name: str
    genesis: str
    """Genesis hash, hex."""
    address_prefix: str
    faucet: str
    """Bech32m address of the funded account; its key is `faucet` in `keys/`."""
    explorer_port: int
    nodes: list[NodePlan]
    schedule: str = "pbft"
    """As `parse_schedule` takes it."""

    @property
    def explorer_url(self) -> str:
        """The explorer's page."""
        return f"http://127.0.0.1:{self.explorer_port}"

    def node(self, name: str) -> NodePlan:
        """Return a node by name; raises Invalid(`bad_argument`)."""
        for plan in self.nodes:
            if plan.name == name:
                return plan
        raise Invalid("bad_argument", f"no node {name!r}: there are {', '.join(n.name for n in self.nodes)}")


def load_plan(directory: Path) -> Plan:
    """Read the plan; raises Invalid(`bad_argument`, `data_damaged`)."""
    path = directory / PLAN_FILE
    try:
        return msgspec.json.decode(path.read_bytes(), type=Plan)
    except FileNotFoundError as error:
        raise Invalid(
            "bad_argument", f"no devnet in {directory}: `chaosnet devnet up --dir {directory}`"
        ) from error
    except msgspec.DecodeError as error:
        raise Invalid("data_damaged", f"{path}: {error}") from error


def parse_schedule(text: str) -> tuple[EngineFrom, ...]:
    """Return the schedule of `pow:20,pos`: pow from height 1, after height 20 pos.

    Raises Invalid(`bad_argument`, `engine_unknown`).
    """
    entries: list[EngineFrom] = []
    first = 1
    parts = text.split(",")
    for number, part in enumerate(parts):
        name, _, last = part.partition(":")
        is_end = number == len(parts) - 1
        if name not in ENGINES_KNOWN:
            raise Invalid("engine_unknown", f"{name!r}: there are {', '.join(ENGINES_KNOWN)}")
        is_height = last.isascii() and last.isdigit() and len(last) <= 15
        if is_end == bool(last) or (last and not is_height) or (entries and entries[-1].engine == name):
            raise Invalid(
                "bad_argument", f"{text!r}: for example pow:20,pos is pow up to height 20, then pos"
            )
        entries.append(EngineFrom(first, name))
        if not is_end:
            if int(last) < first:
                raise Invalid("bad_argument", f"{text!r}: {name} ends before it begins")
            first = int(last) + 1
    return tuple(entries)


def format_schedule(schedule: tuple[EngineFrom, ...]) -> str:
    """Return a schedule as `parse_schedule` takes it."""
    ends = [f":{entry.height - 1}" for entry in schedule[1:]]
    return ",".join(entry.engine + end for entry, end in zip(schedule, [*ends, ""], strict=True))


def plan_nodes(nodes: int, base_port: int) -> list[NodePlan]:
    """Return names and ports of the nodes of a new devnet; raises Invalid(`bad_argument`)."""
    if not 1 <= nodes <= NODES_MAX:
        raise Invalid("bad_argument", f"a devnet has 1 to {NODES_MAX} nodes")
    last_port = base_port + nodes * PORTS_PER_NODE
    if not 1024 <= base_port < last_port < 65_536:
        raise Invalid("bad_argument", f"ports {base_port} to {last_port} are not all usable")
    return [
        NodePlan(
            name=f"node{i}",
            p2p_port=base_port + i * PORTS_PER_NODE,
            public_port=base_port + i * PORTS_PER_NODE + 1,
            operator_port=base_port + i * PORTS_PER_NODE + 2,
        )
        for i in range(nodes)
    ]


def make_plan(  # noqa: PLR0913 - what a devnet is made of
    directory: Path,
    *,
    nodes: int,
    base_port: int,
    explorer_port: int,
    schedule: tuple[EngineFrom, ...] = PBFT,
    allocations: tuple[Allocation, ...] = (),
    params: dict[str, int] | None = None,
) -> Plan:
    """Create the files of a new devnet and return its plan; raises Invalid(`bad_argument`)."""
    plans = plan_nodes(nodes, base_port)
    directory.mkdir(parents=True, exist_ok=True)
    password = secrets.token_hex(16)
    _write_private(directory / "password", password)
    store = Keystore(directory / "keys", scrypt_n=SCRYPT_N)
    faucet = _new_account(store, FAUCET, password)
    members = []
    seeds: dict[str, bytes] = {}
    for plan in plans:
        operator = _new_account(store, f"{plan.name}-operator", password)
        keys = Keystore(directory / plan.name / "keys", scrypt_n=SCRYPT_N)
        node_key = keys.add("node", secrets.token_bytes(32), password)
        seed = seeds[plan.name] = secrets.token_bytes(32)
        consensus_key = keys.add("consensus", seed, password)
        members.append(Member(plan.name, operator, "validator", consensus_key, node_key, vrf_key_of(seed)))
    funds = (Allocation(FAUCET, faucet, FAUCET_COS * MOTES_PER_COS, None), *allocations)
    genesis = _genesis(members, funds, schedule, params or {})
    (directory / "genesis.json").write_text(format_genesis(genesis), encoding="utf-8")
    for plan in plans:
        _write_node(directory, plan, plans)
        SignStateFile.create(
            directory / plan.name / "keys" / "sign-state",
            genesis_hash_of(genesis),
            public_key_of(seeds[plan.name]),
        )
    return _save_plan(directory, genesis, faucet, explorer_port, plans)


def _genesis(
    members: list[Member],
    funds: tuple[Allocation, ...],
    schedule: tuple[EngineFrom, ...],
    params: dict[str, int],
) -> Genesis:
    """Return a genesis in which everything goes fast; raises Invalid."""
    engines = [entry.engine for entry in schedule]
    bonds: list[Bond] = []
    fast: dict[str, int] = {}
    if "pow" in engines:
        fast |= FAST_POW
    if any(engine in STAKING_ENGINES for engine in engines):
        fast |= FAST_STAKING
        coins = OPERATOR_COS * MOTES_PER_COS
        funds += tuple(Allocation(f"{m.name}-operator", m.operator, coins, None) for m in members)
        bonds = [Bond(m.operator, coins // 2, 0) for m in members]
    genesis = consortium_genesis(
        "devnet",
        time.time_ns() // 1_000_000,
        members,
        funds,
        schedule=schedule,
        bonds=bonds,
    )
    chosen = msgspec.structs.replace(genesis.params, **(fast | params))
    genesis = msgspec.structs.replace(genesis, params=chosen)
    check_genesis(genesis)
    return genesis


def _save_plan(
    directory: Path, genesis: Genesis, faucet: Address, explorer_port: int, nodes: list[NodePlan]
) -> Plan:
    plan = Plan(
        chain_name=genesis.chain_name,
        genesis=genesis_hash_of(genesis).hex(),
        address_prefix=genesis.address_prefix,
        faucet=format_address(genesis.address_prefix, faucet),
        explorer_port=explorer_port,
        nodes=nodes,
        schedule=format_schedule(genesis.schedule),
    )
    (directory / PLAN_FILE).write_bytes(msgspec.json.format(msgspec.json.encode(plan), indent=2))
    return plan


def _new_account(store: Keystore, name: str, password: str) -> Address:
    return address_of(single_key(store.add(name, secrets.token_bytes(32), password)))


def _write_node(directory: Path, plan: NodePlan, all_plans: list[NodePlan]) -> None:
    """Write a node's configuration; every node finds the others through the first two."""
    bootstrap = [f"127.0.0.1:{other.p2p_port}" for other in all_plans[:2] if other is not plan]
    lines = [
        "[node]",
        f'name = "{plan.name}"',
        'genesis = "../genesis.json"',
        "disk_free_mib_min = 128",
        "",
        "[keys]",
        'node_key = "keys/node.json"',
        'consensus_key = "keys/consensus.json"',
        'sign_state = "keys/sign-state"',
        'password_file = "../password"',
        "",
        "[network]",
        f'listen = "127.0.0.1:{plan.p2p_port}"',
        f"bootstrap = {msgspec.json.encode(bootstrap).decode()}",
        "",
        "[rpc]",
        f'public = "127.0.0.1:{plan.public_port}"',
        f'operator = "127.0.0.1:{plan.operator_port}"',
        "",
        "[log]",
        'format = "json"',
        "",
    ]
    (directory / plan.name / "node.toml").write_text("\n".join(lines), encoding="utf-8")


def _write_private(path: Path, text: str) -> None:
    path.touch(mode=0o600)
    path.write_text(text, encoding="utf-8")
