"""Misbehaviour scores and bans.

Faults add points; a point fades each second; at 100 the key is banned for 10 minutes, doubling with each
repeat up to 24 hours (Bitcoin Core's banning score, with decay). Keys cost nothing, so a public host from
which several keys were banned is banned itself. Loopback and private hosts never are: neighbours share them.
"""

from typing import Final, TypeVar

from chaosnet.base.codec import Record
from chaosnet.protocol.hosts import ban_unit_of

K = TypeVar("K", bytes, str)

BAN_POINTS: Final = 100
BAN_MS: Final = 10 * 60_000
BAN_MS_MAX: Final = 24 * 3_600_000
HOST_KEYS: Final = 3
"""Banned keys after which their common host is banned too."""
SCORES_KEPT: Final = 1_024
BANS_KEPT: Final = 4_096
MEMORY_MS: Final = 24 * 3_600_000
"""A ban counts as a repeat when the last one ended less than this ago."""


class Ban(Record, tag=2):
    """One banned key or host; kept for a while after its end, to know a repeat."""

    node_id: bytes
    """Empty for a host."""
    host: str
    """Ban unit of the host (protocol/hosts.py); empty when it is never banned."""
    until_ms: int
    count: int
    """Bans so far."""


class Bans:
    """Scores and bans of a node, bounded in number: the oldest go first."""

    def __init__(self) -> None:
        self._scores: dict[bytes, tuple[int, int]] = {}
        """Key -> (thousandths of a point, when)."""
        self._keys: dict[bytes, Ban] = {}
        self._hosts: dict[str, Ban] = {}

    def penalise(self, peer: bytes, host: str, points: int, now: int) -> bool:
        """Add points to a key; return whether it is banned now."""
        if self.is_banned(peer, "", now):
            return True
        score, at = self._scores.pop(peer, (0, now))
        score = max(0, score - max(0, now - at)) + max(0, points) * 1_000
        if score < BAN_POINTS * 1_000:
            self._scores[peer] = (score, now)
            if len(self._scores) > SCORES_KEPT:
                del self._scores[next(iter(self._scores))]
            return False
        unit = ban_unit_of(host)
        _keep(self._keys, peer, _next_ban(self._keys.pop(peer, None), peer, unit, now))
        if (
            unit
            and sum(ban.host == unit and _is_recent(ban, now) for ban in self._keys.values()) >= HOST_KEYS
        ):
            _keep(self._hosts, unit, _next_ban(self._hosts.pop(unit, None), b"", unit, now))
        return True

    def points(self, peer: bytes, now: int) -> int:
        """Return a key's present score, rounded down."""
        score, at = self._scores.get(peer, (0, now))
        return max(0, score - max(0, now - at)) // 1_000

    def is_banned(self, peer: bytes, host: str, now: int) -> bool:
        """Return whether a key or its host is banned; an empty key or host is not asked about."""
        ban = self._keys.get(peer)
        if ban is not None and now < ban.until_ms:
            return True
        if not host or not self._hosts:
            return False
        ban = self._hosts.get(ban_unit_of(host))
        return ban is not None and now < ban.until_ms

    def snapshot(self) -> tuple[Ban, ...]:
        """Return all bans, hosts last."""
        return (*self._keys.values(), *self._hosts.values())

    def restore(self, bans: tuple[Ban, ...]) -> None:
        """Take back what `snapshot` gave."""
        for ban in bans:
            if ban.node_id:
                _keep(self._keys, ban.node_id, ban)
            elif ban.host:
                _keep(self._hosts, ban.host, ban)


def _is_recent(ban: Ban, now: int) -> bool:
    return now < ban.until_ms + MEMORY_MS


def _next_ban(previous: Ban | None, peer: bytes, unit: str, now: int) -> Ban:
    count = previous.count + 1 if previous is not None and _is_recent(previous, now) else 1
    length_ms = min(BAN_MS << min(count - 1, 16), BAN_MS_MAX)
    return Ban(node_id=peer, host=unit, until_ms=now + length_ms, count=count)


def _keep(bans: dict[K, Ban], key: K, ban: Ban) -> None:
    bans[key] = ban
    if len(bans) > BANS_KEPT:
        del bans[next(iter(bans))]
