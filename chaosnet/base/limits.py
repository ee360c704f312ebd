"""Every bound in one table. A bound on something consensus decides is marked (chain)."""

from typing import Final

# transactions
TX_BYTES_MAX: Final = 192 * 1024
"""(chain) one transaction's full bytes: a deployment of the largest contract fits."""
TX_ACTIONS_MAX: Final = 64
"""(chain) actions of one transaction."""
MEMO_BYTES_MAX: Final = 256
"""(chain) memo of one transaction."""
POLICY_KEYS_MAX: Final = 16
"""(chain) keys of one account policy."""
ANCHOR_AGE_MAX: Final = 10_000
"""(chain) blocks an anchor may be old."""
EXPIRY_AHEAD_MAX: Final = 100_000
"""(chain) blocks an expiry may lie ahead of the block it is included in."""
AMOUNT_MAX: Final = 2**63 - 1
"""(chain) any single amount, price or weight."""

# blocks
BLOCK_BYTES_MAX: Final = 4 * 1024 * 1024
"""(chain) sum of the transactions' bytes in one block."""
BLOCK_TXS_MAX: Final = 20_000
"""(chain) transactions in one block."""
VALIDATORS_MAX: Final = 256
"""(chain) members of one validator set."""
PROOF_HEIGHTS: Final = 128
"""Recent heights a node keeps state trees for."""

# mempool
MEMPOOL_BYTES_MAX: Final = 64 * 1024 * 1024
MEMPOOL_TXS_MAX: Final = 100_000
MEMPOOL_PER_SENDER_MAX: Final = 64
MEMPOOL_REPLACE_PERCENT: Final = 110

# network
FRAME_BYTES_MAX: Final = 8 * 1024 * 1024
"""One frame: the largest block with its certificate fits."""
HELLO_BYTES_MAX: Final = 4096
CERTIFICATE_BYTES_MAX: Final = 4096
HANDSHAKE_MS_MAX: Final = 5_000
HANDSHAKES_PER_IP_MAX: Final = 8
HANDSHAKES_MAX: Final = 64
PEERS_MAX: Final = 128
PEER_QUEUE_BYTES_MAX: Final = 64 * 1024 * 1024
"""Unsent bytes after which a peer that does not read is dropped."""
ADDRESSES_PER_MESSAGE_MAX: Final = 100
HASHES_PER_MESSAGE_MAX: Final = 10_000
TXS_PER_MESSAGE_MAX: Final = 5_000
TXS_MESSAGE_BYTES_MAX: Final = 2 * 1024 * 1024
HEADERS_PER_MESSAGE_MAX: Final = 256
BODIES_PER_MESSAGE_MAX: Final = 64
BODIES_MESSAGE_BYTES_MAX: Final = 6 * 1024 * 1024
SEEN_MAX: Final = 200_000

# interfaces
BATCH_TXS_MAX: Final = 1_000
REQUEST_BYTES_MAX: Final = 8 * 1024 * 1024
QUESTION_BYTES_MAX: Final = 128 * 1024
STREAMS_MAX: Final = 256
STREAMS_PER_IP_MAX: Final = 8
STREAM_QUEUE_MAX: Final = 1_000
STREAM_HEARTBEAT_MS: Final = 15_000
PAGE_MAX: Final = 100
VALIDATORS_PAGE_MAX: Final = 1_200
"""Entries of a page of validators and candidates."""
