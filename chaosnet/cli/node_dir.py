"""The directory of one node: what `chaosnet init` puts there, and what it says about itself."""

import secrets
from pathlib import Path
from typing import Final, NamedTuple

from chaosnet.base.errors import Invalid
from chaosnet.base.units import PublicKey
from chaosnet.cli.asking import write_text
from chaosnet.cli.config_reference import Values, template
from chaosnet.cli.keyring import single_address
from chaosnet.daemon.config import load_config
from chaosnet.daemon.keystore import SCRYPT_N, Keystore, read_password
from chaosnet.model.genesis import VALIDATOR, Genesis, genesis_hash_of
from chaosnet.model.genesis_json import format_genesis
from chaosnet.model.genesis_make import ADDRESS_PREFIX
from chaosnet.storage.signstate_file import SignStateFile

CONFIG_FILE: Final = "node.toml"
GENESIS_FILE: Final = "genesis.json"
PASSWORD_FILE: Final = "password"
SIGN_STATE: Final = "keys/sign-state"
OPERATOR_FILE: Final = "operator-address"
SCRYPT_N_RANDOM: Final = 1 << 12
"""A random password of 128 bits needs no costly derivation, and the node starts faster."""


class NodeDir(NamedTuple):
    """What a node's directory says about itself."""

    directory: Path
    name: str
    node_key: PublicKey
    consensus_key: PublicKey | None
    """None: the node only follows."""
    operator: str
    """Address of the operator account; empty for a follower."""

    @property
    def member(self) -> str:
        """Return what `genesis new --member` takes; empty for a follower."""
        if self.consensus_key is None:
            return ""
        return f"{self.name}:{self.operator}:{self.consensus_key.hex()}:{self.node_key.hex()}"


def read_node_dir(directory: Path) -> NodeDir:
    """Return what an initialised directory holds; raises Invalid(`bad_config`), Refused(`not_found`)."""
    config = load_config(directory / CONFIG_FILE)
    keys = {info.name: info.public_key for info in Keystore(directory / "keys").list()}
    operator = ""
    if "consensus" in keys:
        path = directory / OPERATOR_FILE
        operator = path.read_text(encoding="utf-8").strip() if path.exists() else ""
        if not operator and "operator" in keys:
            operator = single_address(ADDRESS_PREFIX, keys["operator"])
    if "node" not in keys:
        raise Invalid("bad_config", f"{directory}/keys has no key `node`")
    return NodeDir(directory, config.node.name, keys["node"], keys.get("consensus"), operator)


def make_node_dir(
    directory: Path,
    values: dict[str, dict[str, object]],
    *,
    validator: bool,
    operator: str | None,
    password_file: Path | None,
) -> None:
    """Write keys, password and configuration of a new node; nothing there is ever overwritten.

    Raises Invalid(`bad_argument`) when there is a node already.
    """
    if (directory / CONFIG_FILE).exists():
        raise Invalid("bad_argument", f"{directory} is the directory of a node already")
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    if password_file is None:
        path = directory / PASSWORD_FILE
        if not path.exists():
            write_text(path, secrets.token_hex(16) + "\n", private=True)
        password, scrypt_n = read_password(path, None), SCRYPT_N_RANDOM
        keys_values: dict[str, object] = {"password_file": PASSWORD_FILE}
    else:
        password, scrypt_n = read_password(password_file, None), SCRYPT_N
        keys_values = {"password_file": str(password_file.absolute())}
    store = Keystore(directory / "keys", scrypt_n)
    names = ["node"]
    if validator:
        names.append("consensus")
        keys_values |= {"consensus_key": "keys/consensus.json", "sign_state": SIGN_STATE}
        if operator is None:
            names.append("operator")
        else:
            write_text(directory / OPERATOR_FILE, operator + "\n")
    for name in names:
        store.add(name, secrets.token_bytes(32), password, description=f"{name} key")
    all_values: Values = values | {"keys": keys_values}
    write_text(directory / CONFIG_FILE, template(all_values))


def place_genesis(directory: Path, genesis: Genesis) -> None:
    """Put the genesis into a node's directory, and begin the sign state of its new consensus key with it.

    Raises Invalid(`bad_argument`) when a genesis or data is there: then the key may have signed. An empty
    data directory is what an attempt to run too early leaves.
    """
    path = directory / GENESIS_FILE
    if path.exists():
        raise Invalid(
            "bad_argument", f"{path} is there already; if you put it there by hand, remove it first"
        )
    consensus_key = read_node_dir(directory).consensus_key
    config = load_config(directory / CONFIG_FILE)
    data = directory / config.node.data_dir
    if data.exists() and any(data.iterdir()):
        raise Invalid("bad_argument", f"{data} is in use already: the key may have signed")
    if consensus_key is not None:
        SignStateFile.create(directory / config.keys.sign_state, genesis_hash_of(genesis), consensus_key)
    write_text(path, format_genesis(genesis))


def role_in(genesis: Genesis, found: NodeDir) -> str:
    """Return what a node is in a network: a role, or `follower`."""
    for member in genesis.members:
        if member.consensus_key == found.consensus_key and member.node_key == found.node_key:
            return member.role
    return "follower"


def warnings_of(genesis: Genesis, found: NodeDir) -> list[str]:
    """Return what does not fit between a network and a node, for people."""
    if found.consensus_key is None or role_in(genesis, found) == VALIDATOR:
        return []
    return ["the genesis does not name this node's consensus and node keys as those of a validator"]
