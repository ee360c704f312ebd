"""`python -m explorer`: serves the site until SIGTERM or SIGINT."""

import argparse
import logging
import signal
import socket
import sys
from types import FrameType

import uvicorn

from chaosnet.base.errors import ChaosError
from explorer.app import create_app
from explorer.feed import Feed

CONNECTIONS_MAX = 2_000
STOP_S = 3


class Server(uvicorn.Server):
    """Ends the live streams first, so that a stop does not wait for browsers."""

    def __init__(self, config: uvicorn.Config, feed: Feed) -> None:
        super().__init__(config)
        self._feed = feed

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop serving."""
        self._feed.close()
        await super().shutdown(sockets)


def _leave(number: int, frame: FrameType | None) -> None:
    sys.exit(0)


def main() -> int:
    """Read the command line and serve; return the exit status."""
    parser = argparse.ArgumentParser(prog="explorer", description="Block explorer of a chaosnet network")
    parser.add_argument(
        "--node",
        action="append",
        required=True,
        metavar="URL",
        help="REST address of a node; may be repeated",
    )
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on")
    parser.add_argument("--port", type=int, default=8080, help="port to listen on")
    given = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)
    try:
        app = create_app(given.node)
    except ChaosError as error:
        print(f"explorer: {error}", file=sys.stderr)
        return 2
    config = uvicorn.Config(
        app,
        host=given.host,
        port=given.port,
        access_log=False,
        log_config=None,
        server_header=False,
        limit_concurrency=CONNECTIONS_MAX,
        timeout_graceful_shutdown=STOP_S,
    )
    server = Server(config, app.state.feed)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _leave)  # the server raises the signal again after its clean stop
    server.run()
    return 0 if server.started else 1


if __name__ == "__main__":
    sys.exit(main())
