"""Parts of starting a node: what the configuration names is checked before anything runs."""

import socket
from pathlib import Path

import pytest
from msgspec.structs import replace

from chaosnet.base.errors import ChaosError, Refused
from chaosnet.crypto.addresses import format_address
from chaosnet.crypto.signing import public_key_of
from chaosnet.daemon import opening, process
from chaosnet.daemon.config import Config, parse_config
from chaosnet.kernel.boot import genesis_stored
from chaosnet.model.genesis import EngineFrom
from chaosnet.model.genesis_json import format_genesis
from chaosnet.protocol.messages import PeerAddress
from tests.making import Person, network
from tests.real_chain import RealChain

GENESIS = network([(Person("alice"), 1_000, None)], [Person("validator")])
ID = "ab" * 32


def config(text: str = "") -> Config:
    return parse_config('[node]\ngenesis = "g"\n' + text)


def code(error: pytest.ExceptionInfo[ChaosError]) -> str:
    return error.value.code


def test_bootstrap_nodes_may_have_an_id() -> None:
    found = process.bootstrap_of(config(f'[network]\nbootstrap = ["seed:1", "{ID}@[::1]:2"]\n'))
    assert found == (PeerAddress(b"", "seed", 1), PeerAddress(bytes.fromhex(ID), "::1", 2))


def test_a_bootstrap_id_that_is_no_hex_is_a_mistake() -> None:
    with pytest.raises(ChaosError) as error:
        process.bootstrap_of(config('[network]\nbootstrap = ["nonsense@seed:1"]\n'))
    assert code(error) == "bad_config"


def test_a_pin_is_a_height_and_a_whole_id() -> None:
    assert process.pinned_of(config()) is None
    assert process.pinned_of(config(f'[trust]\npinned = "7:{ID}"\n')) == (7, bytes.fromhex(ID))
    for wrong in ("7", f":{ID}", f"x:{ID}", "7:ab", f"-1:{ID}", "7:zz"):
        with pytest.raises(ChaosError) as error:
            process.pinned_of(config(f'[trust]\npinned = "{wrong}"\n'))
        assert code(error) == "bad_config", wrong


def test_a_genesis_file_is_named_when_it_is_wrong(tmp_path: Path) -> None:
    path = tmp_path / "genesis.json"
    path.write_text(format_genesis(GENESIS))
    assert process.load_genesis(path) == GENESIS
    path.write_text("{}")
    for wrong in (path, tmp_path / "none.json"):
        with pytest.raises(ChaosError) as error:
            process.load_genesis(wrong)
        assert code(error) == "bad_config"
        assert str(wrong) in error.value.detail


def test_the_kernel_is_told_how_far_it_may_be_ahead_of_the_disk() -> None:
    keys = process.Keys(bytes(32), None)
    made = process.node_config(config("[network]\npeer_slots = 3\nmembers_only = true\n"), GENESIS, keys)
    assert made.unwritten_max == process.UNWRITTEN_MAX > 0
    assert (made.peer_slots, made.members_only, made.listen_port) == (3, True, 26_700)
    assert made.consensus_key is None
    assert made.seed != process.node_config(config(), GENESIS, keys).seed


def test_a_chain_is_begun_and_taken_up_again(tmp_path: Path) -> None:
    store, stored = opening.open_store(tmp_path / "new", GENESIS)
    assert stored.header == genesis_stored(GENESIS).header
    store.close()
    chain = RealChain(tmp_path / "old", validators=2)
    for _ in range(3):
        chain.add()
    head = chain.node.head
    chain.store.close()
    store, stored = opening.open_store(tmp_path / "old", chain.genesis)
    assert (stored.header, stored.seal, stored.state.root) == (head.header, head.seal, head.state.root)
    assert stored.sealed_by == head.sealed_by
    store.close()
    with pytest.raises(Refused) as error:
        opening.open_store(tmp_path / "old", GENESIS)
    assert code(error) == "wrong_genesis"


def test_a_disk_that_is_nearly_full_is_not_started_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process, "free_bytes", lambda _: 511 << 20)
    process.check_disk(tmp_path / "data", 511)
    with pytest.raises(Refused) as error:
        process.check_disk(tmp_path / "data", 512)
    assert code(error) == "disk_full"
    assert "511 MiB free, 512 needed" in error.value.detail


def test_a_taken_port_is_a_clear_error() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        where = f"127.0.0.1:{other.getsockname()[1]}"
        with pytest.raises(ChaosError) as error:
            process.bind(where)
        assert code(error) == "port_taken"
        assert where in error.value.detail


def test_who_mines_is_configured_or_the_member_with_this_key() -> None:
    seed = b"s" * 32
    person = Person("validator")
    member = replace(person.member(), consensus_key=public_key_of(seed))
    engines = (EngineFrom(1, "pow"), EngineFrom(5, "pbft"))
    genesis = replace(GENESIS, members=(member,), schedule=engines)
    validator, follower = process.Keys(bytes(32), seed), process.Keys(bytes(32), None)
    account = format_address(genesis.address_prefix, Person("alice").address)
    assert process.miner_account(config(), genesis, validator) == member.operator
    assert process.miner_account(config(), genesis, follower) == b""
    assert process.miner_account(config("[mining]\nenabled = false\n"), genesis, validator) == b""
    assert process.miner_account(config(), GENESIS, validator) == b""
    named = config(f'[mining]\naccount = "{account}"\n')
    assert process.miner_account(named, genesis, follower) == Person("alice").address
    with pytest.raises(ChaosError) as error:
        process.miner_account(config('[mining]\naccount = "nobody"\n'), genesis, follower)
    assert code(error) == "bad_config"
