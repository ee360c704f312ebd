"""Processes of a devnet: waited for until they answer, and ended on purpose or not."""

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from chaosnet.base.errors import Unavailable
from chaosnet.daemon.devnet import EXPLORER, Devnet, stale_pin
from chaosnet.daemon.devnet_plan import Plan
from chaosnet.model.genesis_json import format_genesis
from chaosnet.model.header import block_id_of
from tests.e2e.net import free_ports
from tests.real_chain import RealChain

pytestmark = pytest.mark.process

LATE_ANSWER = """
import http.server, time
time.sleep(0.3)
http.server.HTTPServer(("127.0.0.1", {port}), http.server.SimpleHTTPRequestHandler).serve_forever()
"""


class Stand(Devnet):
    """A devnet whose explorer is a small web server that takes its time."""

    def _command(self, name: str) -> list[str]:
        return [sys.executable, "-c", LATE_ANSWER.format(port=self.plan.explorer_port)]


@pytest.fixture
def net(tmp_path: Path) -> Iterator[Stand]:
    net = Stand(tmp_path, Plan("devnet", "", "cos", "", free_ports(1), []))
    yield net
    net.stop_all()


def test_explorer_is_waited_for_until_it_answers(net: Stand) -> None:
    net.start(EXPLORER)
    assert not net.answers(EXPLORER)
    net.wait_ready([EXPLORER])
    assert net.answers(EXPLORER)


def test_explorer_that_ends_at_once_is_an_error(net: Stand) -> None:
    net.start(EXPLORER)
    net.kill(EXPLORER)
    with pytest.raises(Unavailable, match="explorer did not start"):
        net.wait_ready([EXPLORER])


def test_an_end_on_purpose_differs_from_one_that_was_not(net: Stand) -> None:
    net.start(EXPLORER)
    net.stop(EXPLORER)
    assert net.how_ended(EXPLORER) == "stopped"
    net.start(EXPLORER)
    assert net.how_ended(EXPLORER) == ""
    net.kill(EXPLORER)
    assert net.how_ended(EXPLORER) == "killed"
    os.kill(net.start(EXPLORER), signal.SIGKILL)
    net.wait_gone(EXPLORER)
    assert net.how_ended(EXPLORER) == ""


def test_a_node_that_has_stood_still_for_too_long_is_vouched_for(tmp_path: Path) -> None:
    genesis, data = tmp_path / "genesis.json", tmp_path / "data"
    chain = RealChain(data, trust_period_ms=1_000)
    genesis.write_text(format_genesis(chain.genesis))
    first = chain.node.head
    for _ in range(2):
        chain.add()
    chain.add_unfinal()
    chain.store.close()
    final = chain.node.ancestor_header(chain.node.head, 2)
    assert stale_pin(genesis, data, final.time_ms + 1_000) == ""
    assert stale_pin(genesis, data, final.time_ms + 1_001) == f"2:{block_id_of(final).hex()}"
    newcomer = tmp_path / "none"
    assert stale_pin(genesis, newcomer, first.header.time_ms + 1_001) == f"0:{first.block_id.hex()}"
