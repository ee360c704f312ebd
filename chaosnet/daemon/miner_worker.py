"""One process of the miner: tries nonces until told otherwise. It ends when its input does.

A line of input is `ticket pre-hash target first-nonce step`, or empty: rest. A line of output is
`ticket nonce`. Nothing is imported that a miner does not need: there is one such process a core.
"""

import os
import select
import signal
import sys

from chaosnet.crypto.scrypt import NONCE_MAX, pow_hash

NICENESS = 10


def main() -> None:
    """Work off the jobs of standard input; the newest counts."""
    os.nice(NICENESS)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group: the node ends us
    buffer = b""
    job: tuple[int, bytes, int, int, int] | None = None
    while True:
        if job is None or select.select([0], [], [], 0)[0]:
            data = os.read(0, 65_536)
            if not data:
                return
            *lines, buffer = (buffer + data).split(b"\n")
            job = _job_of(lines[-1]) if lines else job
            continue
        ticket, pre_hash, target, nonce, step = job
        if pow_hash(pre_hash, nonce) <= target:
            os.write(1, f"{ticket} {nonce}\n".encode())
            job = None
        else:
            job = (ticket, pre_hash, target, (nonce + step) & NONCE_MAX, step)


def _job_of(line: bytes) -> tuple[int, bytes, int, int, int] | None:
    if not line:
        return None
    ticket, pre_hash, target, first, step = line.decode().split()
    return int(ticket), bytes.fromhex(pre_hash), int(target, 16), int(first), int(step)


if __name__ == "__main__":
    try:
        main()
    except BrokenPipeError:  # the node is gone
        sys.exit(0)
