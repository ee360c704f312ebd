"""The configuration of one node: a TOML file, read once, never written, without secrets.

Relative paths are relative to the file. Every setting has a default but `genesis`. `describe` prints the
reference page from the same structs.
"""

import tomllib
from ipaddress import ip_network
from pathlib import Path
from typing import Final, Literal

import msgspec

from chaosnet.base.errors import Invalid

TEXT_LENGTH_MAX = 64 * 1024
"""Characters of a file; the TOML reader's time grows with the square of a name's parts."""


class Section(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of every table of the file."""


class NodeSection(Section, frozen=True, kw_only=True):
    """[node]."""

    genesis: str
    """Path of the genesis file."""
    name: str = "node"
    """Shown to people; at most 64 characters."""
    data_dir: str = "data"
    """Everything but the keys; one process at a time."""
    disk_free_mib_min: int = 512
    """Below this much free space the node stops taking part, before anything breaks."""
    verify_threads: int = 2
    """Threads that verify signatures."""
    fence_listen_blocks: int = 10
    """Blocks to listen to, signing nothing, after the sign state was imported or copied; 0: none."""
    fence_listen_ms: int = 60_000
    """Longest wait for these blocks, while connected and no other use of the key is heard; and after a start
    for other validators, before the first signature."""
    reorg_warn_depth: int = 6
    """Blocks undone at once, where the chain can fork, from which the log warns of it."""


class KeysSection(Section, frozen=True, kw_only=True):
    """[keys]."""

    node_key: str = "keys/node.json"
    """Key file of the transport identity; made at first start when missing."""
    consensus_key: str = ""
    """Key file that signs proposals and votes; empty: the node only follows."""
    sign_state: str = "keys/sign-state"
    """Record of what the consensus key has signed. Lives beside the key, survives `node reset`."""
    password_file: str = ""
    """File with the password of the key files (mode 0600)."""
    credential: str = ""
    """Name of a systemd credential with the password, instead of a file."""


class NetworkSection(Section, frozen=True, kw_only=True):
    """[network]."""

    listen: str = "0.0.0.0:26700"
    """host:port for other nodes; empty: accept none."""
    bootstrap: tuple[str, ...] = ()
    """Nodes to find the others through: `host:port` or `<node key>@host:port`, the key in hex."""
    peer_slots: int = 16
    """Outbound connections beyond members and bootstrap nodes."""
    peers_max: int = 128
    """Connections in all."""
    connections_per_ip_max: int = 64
    """Inbound connections of one address."""
    members_only: bool = False
    """Refuse nodes whose key is not in the membership."""
    allow: tuple[str, ...] = ()
    """IP networks that may connect, for example `10.0.0.0/8`; empty: all."""
    deny: tuple[str, ...] = ()
    """IP networks that may not; wins over `allow`."""


class RpcSection(Section, frozen=True, kw_only=True):
    """[rpc]."""

    public: str = "127.0.0.1:26710"
    """host:port of the public listener; empty: none."""
    operator: str = "127.0.0.1:26720"
    """host:port of the operator listener with /metrics; keep it private; empty: none."""
    admin_socket: str = "admin.sock"
    """Unix socket (mode 0600) in the data directory; empty: none."""
    submit: Literal["public", "admin", "off"] = "public"
    """Where transactions are accepted."""
    cors_origins: tuple[str, ...] = ("*",)
    """Origins whose pages may use the public listener: read, ask contracts, submit if that is public."""
    query_workers: int = 1
    """Threads that answer questions to contracts and try transactions; 0: none are answered."""
    query_waiting_max: int = 64
    """Questions that may wait for a thread; more are refused with `overloaded`."""
    query_gas_max: int = 20_000_000
    """Most gas of one question."""


class LogSection(Section, frozen=True, kw_only=True):
    """[log]."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    """Least severity that is written."""
    format: Literal["auto", "json", "console"] = "auto"
    """`auto`: console on a terminal, else JSON lines."""


class TrustSection(Section, frozen=True, kw_only=True):
    """[trust]."""

    pinned: str = ""
    """`height:id` of a block known to be right: needed after an absence longer than the trust period."""


class MiningSection(Section, frozen=True, kw_only=True):
    """[mining]."""

    enabled: bool = True
    """Mine under pow, for the account below."""
    account: str = ""
    """Address that receives the fees; empty: the operator account of this node's member."""
    processes: int = 0
    """Processes of low priority that search; 0: one less than there are processors, but one."""


class Config(Section, frozen=True, kw_only=True):
    """The whole file."""

    node: NodeSection
    keys: KeysSection = KeysSection()
    network: NetworkSection = NetworkSection()
    rpc: RpcSection = RpcSection()
    mining: MiningSection = MiningSection()
    log: LogSection = LogSection()
    trust: TrustSection = TrustSection()


RANGES: Final = (
    ("node", "disk_free_mib_min", 0, 2**30),
    ("node", "verify_threads", 1, 64),
    ("node", "fence_listen_blocks", 0, 1_000_000),
    ("node", "fence_listen_ms", 1_000, 2**31),
    ("node", "reorg_warn_depth", 1, 1_000_000),
    ("rpc", "query_workers", 0, 64),
    ("rpc", "query_waiting_max", 0, 100_000),
    ("rpc", "query_gas_max", 1_000, 1_000_000_000),
    ("mining", "processes", 0, 1_024),
    ("network", "peer_slots", 0, 1_024),
    ("network", "peers_max", 1, 1_024),
    ("network", "connections_per_ip_max", 1, 1_024),
)
"""Section, setting, least and greatest value."""


def parse_config(text: str) -> Config:
    """Return the typed configuration; raises Invalid(`bad_config`) with the path of what is wrong."""
    if len(text) > TEXT_LENGTH_MAX:
        raise Invalid("bad_config", f"{len(text)} characters, at most {TEXT_LENGTH_MAX}")
    try:
        config = msgspec.convert(tomllib.loads(text), Config, strict=True)
    except (ValueError, RecursionError) as error:  # what the two readers raise, and numbers of many digits
        raise Invalid("bad_config", str(error)) from error
    for name in ("listen",):
        _check_endpoint(f"network.{name}", getattr(config.network, name))
    for name in ("public", "operator"):
        _check_endpoint(f"rpc.{name}", getattr(config.rpc, name))
    for entry in config.network.bootstrap:
        _check_endpoint("network.bootstrap", entry.rpartition("@")[2])
    for name in ("allow", "deny"):
        _check_networks(f"network.{name}", getattr(config.network, name))
    for section, name, least, most in RANGES:
        if not least <= getattr(getattr(config, section), name) <= most:
            raise Invalid("bad_config", f"{section}.{name} is a number from {least} to {most}")
    if not 0 < len(config.node.name) <= 64 or not config.node.name.isprintable():
        raise Invalid("bad_config", "node.name has 1 to 64 printable characters")
    return config


def load_config(path: Path) -> Config:
    """Read a configuration file; raises Invalid(`bad_config`)."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise Invalid("bad_config", f"{path}: {error}") from error
    try:
        return parse_config(text)
    except Invalid as error:
        raise Invalid("bad_config", f"{path}: {error.detail}") from error


def endpoint(text: str) -> tuple[str, int]:
    """Return (host, port) of `host:port` or `[v6]:port`; raises Invalid(`bad_config`)."""
    host, _, port = text.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    is_number = port.isascii() and port.isdigit() and len(port) <= 5
    if not host or not is_number or not int(port) < 65_536:
        raise Invalid("bad_config", f"not a host:port: {text!r}")
    return host, int(port)


def _check_networks(name: str, texts: tuple[str, ...]) -> None:
    for text in texts:
        try:
            ip_network(text)
        except ValueError as error:
            raise Invalid("bad_config", f"{name}: {error}") from error


def _check_endpoint(name: str, text: str) -> None:
    if text:
        try:
            endpoint(text)
        except Invalid as error:
            raise Invalid("bad_config", f"{name}: {error.detail}") from error
