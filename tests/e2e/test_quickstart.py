"""The first ten minutes of docs/contracts.md on a devnet of real processes, word for word, by a shell."""

import re
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from chaosnet.daemon.devnet import Devnet
from chaosnet.daemon.devnet_plan import load_plan
from tests.e2e.net import chaosnet, free_ports
from tests.examples.documented import ENGINES, commands_in, save_files
from tests.tidy import REPOSITORY

pytestmark = pytest.mark.process

DOCUMENT = REPOSITORY / "docs/contracts.md"
NODE = "http://127.0.0.1:26801"
COPIED = {
    "GOLD": "$(awk '/^contract / { print $2 }' shown)",
    "TOKEN": "$(tail -n 1 shown)",
    "BOB": "$FAUCET",
}
"""What a reader copies from what was printed last."""


def script(language: str, node: str) -> str:
    """Return the commands of the document as one script; what the last one printed is in the file `shown`."""
    lines = ["set -eo pipefail"]
    for line in commands_in(DOCUMENT, "Ten minutes to a token"):
        name = line.partition("=")[0]
        if name in COPIED:
            lines.append(f'{name}="{COPIED[name]}"')
        elif line.startswith("chaosnet "):
            agreed = " --yes" if " deploy " in line else ""  # a reader is asked, and says yes
            lines.append(f"{line.replace('gold.lua', f'gold.{language}')}{agreed} | tee shown")
        else:
            lines.append(line.replace(NODE, node))
    return "\n".join([*lines, "echo token=$TOKEN gold=$GOLD"])


def page(url: str) -> str:
    with urllib.request.urlopen(url, timeout=20) as answer:
        return re.sub(r"<[^>]*>", " ", answer.read().decode())


def test_a_newcomer_issues_sends_and_sees_a_token(tmp_path: Path) -> None:
    directory = tmp_path / ".devnet"
    base = free_ports(13)
    up = ("devnet", "up", "--detach", "--dir", str(directory), "--nodes", "1")
    chaosnet(*up, "--base-port", str(base), "--explorer-port", str(base + 12))
    net = Devnet(directory, load_plan(directory))
    (tmp_path / ".venv").symlink_to(sys.prefix)
    try:
        for language in sorted(ENGINES):
            save_files(DOCUMENT, language, tmp_path)
            done = subprocess.run(
                ["bash", "-c", script(language, net.plan.nodes[0].rest_url)],
                cwd=tmp_path,
                env={"FAUCET": net.plan.faucet, "PATH": "/usr/bin:/bin", "HOME": str(tmp_path)},
                capture_output=True,
                text=True,
                timeout=120,
                check=False,
            )
            assert done.returncode == 0, done.stdout + done.stderr
            found = re.search(r"token=(\w{64}) gold=(cos1\w+)", done.stdout)
            assert found
            shown = page(f"{net.plan.explorer_url}/token/{found[1]}")
            assert "10,005.00" in shown
            assert "GOLD" in shown
            assert "only the owner issues" in page(f"{net.plan.explorer_url}/contract/{found[2]}")
    finally:
        net.stop_all()
