"""Clients of a node's interface: `Client` blocks, `AsyncClient` does not; otherwise they are the same.

Each method stands for one route and returns its type from the schema. Failures are the errors of
`chaosnet.base.errors` with the code of the node's problem document: Invalid, Refused, or Unavailable, which a
node that cannot be reached is too (`connection`, `timeout`).
"""

from chaosnet.rpc.client.asynchronous import AsyncClient as AsyncClient
from chaosnet.rpc.client.blocking import Client as Client
