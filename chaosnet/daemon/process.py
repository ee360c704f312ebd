"""One node process: keys, storage, kernel, transport, listeners; started and stopped in order."""

import asyncio
import os
import secrets
import signal
import socket
import sys
from collections.abc import Callable
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from functools import partial
from ipaddress import ip_network
from pathlib import Path

import structlog
import uvicorn
from msgspec import structs
from starlette.types import ASGIApp

from chaosnet import __version__
from chaosnet.base.errors import ChaosError, Invalid, Refused
from chaosnet.base.units import PublicKey
from chaosnet.crypto.addresses import parse_address
from chaosnet.crypto.signing import public_key_of
from chaosnet.daemon.answers import KeyAnswers
from chaosnet.daemon.backend import Identity, NodeBackend
from chaosnet.daemon.collecting import collect_seldom
from chaosnet.daemon.config import Config, TrustSection, endpoint, load_config
from chaosnet.daemon.journal import log_fact, set_up_logging
from chaosnet.daemon.keystore import Keystore, read_password
from chaosnet.daemon.machines import main_machine
from chaosnet.daemon.miner import Miner
from chaosnet.daemon.opening import open_store, rebuild
from chaosnet.daemon.query_pool import QueryPool
from chaosnet.daemon.reading import reading_of
from chaosnet.daemon.runtime import Runtime
from chaosnet.daemon.systemd import notify
from chaosnet.daemon.transport import TlsTransport, TransportLimits
from chaosnet.kernel.boot import Stored, make_node
from chaosnet.kernel.events import DiskLow, Mined, ReportFact
from chaosnet.kernel.node import NodeConfig
from chaosnet.model.genesis import Genesis, genesis_hash_of
from chaosnet.model.genesis_json import parse_genesis
from chaosnet.ops.metrics import NodeMetrics
from chaosnet.protocol.messages import PeerAddress
from chaosnet.rpc.app import admin_app, operator_app, public_app
from chaosnet.rpc.server import make_server
from chaosnet.rpc.stream import EventHub
from chaosnet.storage.datadir import free_bytes
from chaosnet.storage.signstate_file import SignStateFile
from chaosnet.storage.sqlite import ChainStore

log = structlog.get_logger("process")

WATCH_S = 1.0
UNWRITTEN_MAX = 32
"""Blocks that sync may be ahead of the disk."""
SOFTWARE = f"chaosnet/{__version__}"


@dataclass(frozen=True, slots=True)
class Keys:
    """Secrets of one node, unlocked."""

    node_seed: bytes
    consensus_seed: bytes | None

    @property
    def consensus_key(self) -> PublicKey | None:
        """Public key that signs votes."""
        return public_key_of(self.consensus_seed) if self.consensus_seed is not None else None


def load_genesis(path: Path) -> Genesis:
    """Read a genesis file; raises Invalid(`bad_config`)."""
    try:
        return parse_genesis(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise Invalid("bad_config", f"genesis {path}: {error.strerror}") from error
    except Invalid as error:
        raise Invalid("bad_config", f"genesis {path}: {error}") from error


def unlock_keys(config: Config, base: Path) -> Keys:
    """Unlock the key files without asking anybody; raises Refused(`key_locked`, `bad_config`)."""
    keys = config.keys
    password_file = base / keys.password_file if keys.password_file else None
    password = read_password(password_file, keys.credential or None)

    def load(name: str) -> bytes:
        path = base / name
        return Keystore(path.parent).load(path.stem, password)

    node_path = base / keys.node_key
    if not node_path.exists():
        Keystore(node_path.parent).add(
            node_path.stem, secrets.token_bytes(32), password, description="node key"
        )
    return Keys(load(keys.node_key), load(keys.consensus_key) if keys.consensus_key else None)


def bootstrap_of(config: Config) -> tuple[PeerAddress, ...]:
    """Return the addresses to find the others through."""
    found = []
    for entry in config.network.bootstrap:
        node_id, _, where = entry.rpartition("@")
        host, port = endpoint(where)
        try:
            found.append(PeerAddress(node_id=bytes.fromhex(node_id), host=host, port=port))
        except ValueError as error:
            raise Invalid("bad_config", f"network.bootstrap: {entry}") from error
    return tuple(found)


def pinned_of(config: Config) -> tuple[int, bytes] | None:
    """Return the (height, block id) that the operator trusts; raises Invalid(`bad_config`)."""
    if not config.trust.pinned:
        return None
    height, _, name = config.trust.pinned.partition(":")
    try:
        block_id = bytes.fromhex(name)
    except ValueError:
        block_id = b""
    if not (height.isascii() and height.isdigit() and len(height) <= 18) or len(block_id) != 32:
        raise Invalid("bad_config", "trust.pinned is height:id, the id in 64 hex digits")
    return int(height), block_id


def miner_account(config: Config, genesis: Genesis, keys: Keys) -> bytes:
    """Return the account this node mines for; empty: it does not mine. Raises Invalid(`bad_config`)."""
    mining = config.mining
    if not mining.enabled or all(entry.engine != "pow" for entry in genesis.schedule):
        return b""
    if mining.account:
        try:
            return parse_address(genesis.address_prefix, mining.account)
        except Invalid as error:
            raise Invalid("bad_config", f"mining.account: {error}") from error
    key = keys.consensus_key
    return next((m.operator for m in genesis.members if m.consensus_key == key), b"")


def node_config(config: Config, genesis: Genesis, keys: Keys) -> NodeConfig:
    """Return the kernel's view of a configuration."""
    network = config.network
    return NodeConfig(
        genesis=genesis,
        node_id=public_key_of(keys.node_seed),
        seed=secrets.token_bytes(32),
        consensus_key=keys.consensus_key,
        miner=miner_account(config, genesis, keys),
        listen_port=endpoint(network.listen)[1] if network.listen else 0,
        bootstrap=bootstrap_of(config),
        software=SOFTWARE,
        peer_slots=network.peer_slots,
        pinned=pinned_of(config),
        members_only=network.members_only,
        fence_listen_blocks=config.node.fence_listen_blocks,
        fence_listen_ms=config.node.fence_listen_ms,
        unwritten_max=UNWRITTEN_MAX,
        machine=main_machine(genesis.rule),
    )


def bind(where: str) -> socket.socket:
    """Bind a TCP listener; raises Refused(`port_taken`)."""
    host, port = endpoint(where)
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # asyncio switches Nagle's delay off only where the protocol is named: else every answer takes 40 ms.
    sock = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        sock.bind((host, port))
    except OSError as error:
        sock.close()
        raise Refused("port_taken", f"{where}: {error.strerror}") from error
    sock.listen(256)
    return sock


class NodeProcess:
    """Runs one node from its configuration until stopped."""

    def __init__(self, config: Config, base: Path, *, new_key: bool = False) -> None:
        self._config = config
        self._base = base
        self._new_key = new_key
        self._stop = asyncio.Event()
        self._servers: list[uvicorn.Server] = []

    def stop(self) -> None:
        """Ask for a clean stop."""
        self._stop.set()

    async def run(self) -> None:
        """Run until stopped; raises what made the node fail."""
        config = self._config
        genesis = load_genesis(self._base / config.node.genesis)
        keys = unlock_keys(config, self._base)
        directory = self._base / config.node.data_dir
        check_disk(directory, config.node.disk_free_mib_min)
        async with AsyncExitStack() as stack:
            signer = self._open_sign_state(keys, genesis)
            if signer is not None:
                stack.callback(signer.close)
            store, stored = open_store(directory, genesis)
            stack.callback(store.close)
            await self._run(stack, genesis, keys, store, stored, signer)

    def _open_sign_state(self, keys: Keys, genesis: Genesis) -> SignStateFile | None:
        if keys.consensus_seed is None:
            return None
        path = self._base / self._config.keys.sign_state
        genesis_hash = genesis_hash_of(genesis)
        if self._new_key and not path.exists():
            SignStateFile.create(path, genesis_hash, public_key_of(keys.consensus_seed))
        signer = SignStateFile.open(path, genesis_hash, keys.consensus_seed)
        if signer.state.is_listening:
            log.warning("key_listens", blocks=self._config.node.fence_listen_blocks)
        return signer

    def _secrets(self, keys: Keys) -> KeyAnswers | None:
        if keys.consensus_seed is None:
            return None
        # Beside the sign state: also where keys themselves are kept elsewhere, this place can be written.
        onion = (self._base / self._config.keys.sign_state).with_name("onion")
        return KeyAnswers(keys.consensus_seed, onion)

    async def _run(
        self,
        stack: AsyncExitStack,
        genesis: Genesis,
        keys: Keys,
        store: ChainStore,
        stored: Stored,
        signer: SignStateFile | None,
    ) -> None:
        config = self._config
        resume = signer.resume() if signer is not None else None
        node = make_node(node_config(config, genesis, keys), stored, store, resume=resume)
        rebuild(node, store)
        warn_depth = config.node.reorg_warn_depth
        metrics = NodeMetrics(reorg_warn_depth=warn_depth)
        log_it = partial(log_fact, reorg_warn_depth=warn_depth)
        takers: list[Callable[[ReportFact], None]] = [log_it, metrics.on_report]

        def report(fact: ReportFact) -> None:
            for take in takers:
                take(fact)

        runtime = Runtime(
            node,
            store,
            signer,
            secrets=self._secrets(keys),
            verify_threads=config.node.verify_threads,
            on_report=report,
        )
        if node.config.miner:
            runtime.attach_miner(Miner(config.mining.processes, lambda *found: runtime.feed(Mined(*found))))
        stack.push_async_callback(runtime.stop)
        hub = EventHub(first_id=runtime.clock_ms() * 1_000)
        identity = Identity(config.node.name, SOFTWARE, config.rpc.submit)
        backend = NodeBackend(runtime, store, hub, identity, reorg_warn_depth=warn_depth)
        takers.append(backend.on_report)
        transport = self._transport(genesis, keys, runtime)
        backend.metrics_text = lambda: metrics.text(reading_of(backend.status(), store))
        runtime.attach(transport)
        backend.query_pool = stack.enter_context(QueryPool(genesis.rule, config.rpc))
        await self._listen(stack, backend)
        if config.network.listen:
            await listen_for_nodes(transport, config.network.listen)
        stack.push_async_callback(transport.stop)
        collect_seldom()
        runtime.start()
        log.info("node_started", name=config.node.name, height=node.head.header.height)
        notify("READY=1")
        await self._serve(runtime, backend)
        backend.phase = "stopping"
        notify("STOPPING=1")
        hub.close()
        await self._close_listeners()
        log.info("node_stopped", height=node.head.header.height)
        if runtime.failed.done():
            raise runtime.failed.result()

    def _transport(self, genesis: Genesis, keys: Keys, runtime: Runtime) -> TlsTransport:
        network = self._config.network
        return TlsTransport(
            genesis_hash_of(genesis),
            keys.node_seed,
            runtime,
            limits=TransportLimits(
                peers_max=network.peers_max,
                connections_per_ip_max=network.connections_per_ip_max,
                allow=tuple(ip_network(text) for text in network.allow),
                deny=tuple(ip_network(text) for text in network.deny),
            ),
        )

    async def _serve(self, runtime: Runtime, backend: NodeBackend) -> None:
        """Watch until something ends the node."""
        directory = self._base / self._config.node.data_dir
        floor = self._config.node.disk_free_mib_min << 20
        while not self._stop.is_set() and not runtime.failed.done():
            backend.watch_health()
            if (free := free_bytes(directory)) < floor and not runtime.node.halted:
                runtime.feed(DiskLow(free))
            notify("WATCHDOG=1")
            stopped: asyncio.Future[object] = asyncio.ensure_future(self._stop.wait())
            failed: asyncio.Future[object] = runtime.failed  # type: ignore[assignment]
            await asyncio.wait({stopped, failed}, timeout=WATCH_S, return_when=asyncio.FIRST_COMPLETED)
            stopped.cancel()

    async def _listen(self, stack: AsyncExitStack, backend: NodeBackend) -> None:
        rpc = self._config.rpc
        if rpc.public:
            app = public_app(backend, submit=rpc.submit, on_error=_log_error, cors_origins=rpc.cors_origins)
            self._start_server(stack, app, bind(rpc.public))
        if rpc.operator:
            self._start_server(stack, operator_app(backend, on_error=_log_error), bind(rpc.operator))
        if rpc.admin_socket:
            path = self._base / self._config.node.data_dir / rpc.admin_socket
            with suppress(FileNotFoundError):
                path.unlink()
            sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            old = os.umask(0o177)
            try:
                sock.bind(str(path))
            finally:
                os.umask(old)
            sock.listen(16)
            app = admin_app(backend, submit=rpc.submit, on_error=_log_error)
            self._start_server(stack, app, sock)

    def _start_server(self, stack: AsyncExitStack, app: ASGIApp, sock: socket.socket) -> None:
        stack.callback(sock.close)
        server = make_server(app)
        self._servers.append(server)
        task = asyncio.create_task(server.serve(sockets=[sock]))
        stack.push_async_callback(_finish, server, task)

    async def _close_listeners(self) -> None:
        for server in self._servers:
            server.should_exit = True


async def _finish(server: uvicorn.Server, task: "asyncio.Task[None]") -> None:
    server.should_exit = True
    await task


def _log_error(error: BaseException) -> None:
    log.error("request_failed", error=str(error), exc_info=error)


async def listen_for_nodes(transport: TlsTransport, where: str) -> None:
    """Open the port for other nodes; raises Refused(`port_taken`)."""
    host, port = endpoint(where)
    try:
        await transport.listen(host, port)
    except OSError as error:
        raise Refused("port_taken", f"{where}: {error.strerror}") from error


def check_disk(directory: Path, free_mib_min: int) -> None:
    """Raise Refused(`disk_full`) when there is too little room to start."""
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    free = free_bytes(directory)
    if free < free_mib_min << 20:
        raise Refused("disk_full", f"{free >> 20} MiB free, {free_mib_min} needed (node.disk_free_mib_min)")


def run_node(config_path: Path, *, new_key: bool = False, pinned: str = "") -> None:
    """Run a node until SIGTERM or SIGINT; raises ChaosError when it cannot start or must not go on.

    `pinned` is a `height:id` to trust in place of the configured one; empty: none.
    """
    config = load_config(config_path)
    if pinned:
        config = structs.replace(config, trust=TrustSection(pinned=pinned))
    set_up_logging(config.log)

    async def main() -> None:
        process = NodeProcess(config, config_path.parent, new_key=new_key)
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, process.stop)
        await process.run()

    try:
        asyncio.run(main())
    except ChaosError as error:
        if not sys.stderr.isatty():  # a person is told by the command itself
            log.error("node_ended", code=error.code, detail=error.detail)  # noqa: TRY400 - no trace needed
        raise
