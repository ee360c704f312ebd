"""Readiness and watchdog messages to systemd, when it started us (sd_notify(3))."""

import os
import socket


def notify(state: str) -> bool:
    """Send one state line such as `READY=1`; return False when nobody listens."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address or address[0] not in "/@":
        return False
    path = "\0" + address[1:] if address[0] == "@" else address
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
            sock.sendto(state.encode(), path)
    except OSError:
        return False
    return True
