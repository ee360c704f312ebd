"""The directory of one node: what `chaosnet init` puts there, and what it says about itself."""

import secrets
from pathlib import Path
from typing import Final, NamedTuple

from chaosnet.base.errors import Invalid
from chaosnet.base.units import PublicKey
from chaosnet.cli.asking import genesis_file, write_text
from chaosnet.cli.config_reference import Values, template
from chaosnet.cli.keyring import single_address
from chaosnet.daemon.answers import vrf_key_of
from chaosnet.daemon.config import load_config
from chaosnet.daemon.keystore import SCRYPT_N, Keystore, read_password
from chaosnet.model.genesis import STAKING_ENGINES, VALIDATOR, Genesis, genesis_hash_of
from chaosnet.model.genesis_json import format_genesis
from chaosnet.model.genesis_make import ADDRESS_PREFIX
from chaosnet.storage.signstate_file import SignStateFile

CONFIG_FILE: Final = "node.toml"
GENESIS_FILE: Final = "genesis.json"
PASSWORD_FILE: Final = "password"
SIGN_STATE: Final = "keys/sign-state"
OPERATOR_FILE: Final = "operator-address"
VRF_KEY_FILE: Final = "vrf-key"
"""Public key of the lottery, in hex: it follows from the consensus key, which is locked."""
NEW_KEY_FILE: Final = "new-consensus-key"
"""Says that the consensus key has never signed: there from the making of the key until its sign state."""
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
    vrf_key: str
    """Key of the lottery under pos, in hex; empty for a follower."""

    @property
    def member(self) -> str:
        """Return what `genesis new --member` takes; empty for a follower."""
        if self.consensus_key is None:
            return ""
        parts = [self.name, self.operator, self.consensus_key.hex(), self.node_key.hex(), self.vrf_key]
        return ":".join(part for part in parts if part)


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
    vrf_path = directory / VRF_KEY_FILE
    vrf_key = vrf_path.read_text(encoding="utf-8").strip() if vrf_path.exists() else ""
    if "node" not in keys:
        raise Invalid("bad_config", f"{directory}/keys has no key `node`")
    return NodeDir(directory, config.node.name, keys["node"], keys.get("consensus"), operator, vrf_key)


def make_node_dir(
    directory: Path,
    values: dict[str, dict[str, object]],
    *,
    validator: bool,
    operator: str | None,
    password_file: Path | None,
) -> None:
    """Write keys, password and configuration of a new node; what is there is kept, never overwritten.

    Raises Invalid(`bad_argument`) when there is a node already; Refused(`key_locked`) for keys that the
    password does not open.
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
    names = ["node"]
    if validator:
        names.append("consensus")
        keys_values |= {"consensus_key": "keys/consensus.json", "sign_state": SIGN_STATE}
        if operator is None:
            names.append("operator")
        else:
            write_text(directory / OPERATOR_FILE, operator + "\n")
    _make_keys(directory, names, password, scrypt_n)
    all_values: Values = values | {"keys": keys_values}
    write_text(directory / CONFIG_FILE, template(all_values))


def _make_keys(directory: Path, names: list[str], password: str, scrypt_n: int) -> None:
    """Make the keys that are missing, and see that the password opens those that are there."""
    store = Keystore(directory / "keys", scrypt_n)
    known = {info.name for info in store.list()}
    for name in names:
        seed = store.load(name, password) if name in known else secrets.token_bytes(32)
        if name == "consensus" and not (directory / VRF_KEY_FILE).exists():
            write_text(directory / VRF_KEY_FILE, vrf_key_of(seed).hex() + "\n")
        if name in known:
            continue
        key = store.add(name, seed, password, description=f"{name} key")
        if name == "consensus":
            write_text(directory / NEW_KEY_FILE, _mark(directory, key))


def place_genesis(directory: Path, genesis: Genesis) -> None:
    """Put the genesis into a node's directory, and begin the sign state of its new consensus key with it.

    What is there already stays. Raises Invalid(`bad_argument`) for another genesis, and when there is no
    sign state but the key may have signed. An empty data directory is what running too early leaves.
    """
    path = directory / GENESIS_FILE
    if path.exists() and genesis_hash_of(genesis_file(path)) != genesis_hash_of(genesis):
        raise Invalid("bad_argument", f"{path} is there already, and is the genesis of another network")
    consensus_key = read_node_dir(directory).consensus_key
    config = load_config(directory / CONFIG_FILE)
    sign_state = directory / config.keys.sign_state
    if consensus_key is not None and not sign_state.exists():
        _check_never_signed(directory, directory / config.node.data_dir, consensus_key)
        (directory / NEW_KEY_FILE).unlink()  # first: a crash between the two must not leave it behind
        SignStateFile.create(sign_state, genesis_hash_of(genesis), consensus_key)
    if not path.exists():
        write_text(path, format_genesis(genesis))


def forget_new_key(directory: Path) -> None:
    """No longer take the consensus key for one that has never signed: it is about to."""
    (directory / NEW_KEY_FILE).unlink(missing_ok=True)


def _check_never_signed(directory: Path, data: Path, consensus_key: PublicKey) -> None:
    """Raise Invalid(`bad_argument`) unless the key was made in this place and has not run since."""
    has_run = data.exists() and any(data.iterdir())
    mark = directory / NEW_KEY_FILE
    is_new = mark.exists() and mark.read_text(encoding="utf-8") == _mark(directory, consensus_key)
    if has_run or not is_new:
        raise Invalid(
            "bad_argument",
            "the sign state is missing, and the consensus key may have signed: "
            + (f"{data} is in use" if has_run else "it was not made here, or had a sign state already")
            + ". Bring the sign state from where the node ran last. Only for a key that has never signed"
            " anything, anywhere, start once with `chaosnet node run --new-key`",
        )


def _mark(directory: Path, consensus_key: PublicKey) -> str:
    """Return what tells a key file that has stood here since it was made from a copy of it."""
    found = (directory / "keys" / "consensus.json").stat()
    return f"{consensus_key.hex()} {found.st_ino} {found.st_ctime_ns}\n"


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
    warning = "the genesis does not name this node's consensus and node keys as those of a validator"
    if any(entry.engine in STAKING_ENGINES for entry in genesis.schedule):
        warning += (
            ": it follows until it is elected, see `chaosnet keys registration` and `chaosnet stake register`"
        )
    return [warning]
