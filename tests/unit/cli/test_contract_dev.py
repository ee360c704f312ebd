"""`contract dev` as a process: what it prints, and that it answers until it is told to stop."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import httpx

ROOT = Path(__file__).parents[3]


def test_it_serves_until_it_is_stopped(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "chaosnet", "contract", "dev", "--port", "0", "--json"]
    process = subprocess.Popen(
        [*command, "--block-time", "50"],
        stdout=subprocess.PIPE,
        cwd=ROOT,
        env={**os.environ, "TMPDIR": str(tmp_path)},
    )
    try:
        assert process.stdout is not None
        told = json.loads(process.stdout.readline())
        accounts = {one["name"]: one for one in told["accounts"]}
        assert len(accounts["alice"]["test_key"]) == 64
        with httpx.Client(base_url=told["url"]) as client:
            height = client.get("/v1/status").json()["height"]
            alice, bob = accounts["alice"]["address"], accounts["bob"]["address"]
            done = client.post("/dev/impersonate", json={"sender": alice, "to": bob, "amount": "5"}).json()
            assert done["height"] > height
            assert client.get(f"/v1/transactions/{done['tx']}").json()["code"] == "ok"
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 0
        process.stdout.close()
    finally:
        process.kill()
        process.wait()
    assert not list(tmp_path.glob("chaosnet-dev-*"))
