"""The engines of this release, by name."""

from collections.abc import Callable

from chaosnet.consensus.branching import BranchEngine
from chaosnet.consensus.dbft import Dbft
from chaosnet.consensus.dpos import Dpos
from chaosnet.consensus.engine import Engine, Resume
from chaosnet.consensus.idle import Idle
from chaosnet.consensus.pbft import Pbft
from chaosnet.consensus.pos import Pos
from chaosnet.consensus.pow import Pow
from chaosnet.consensus.quorum import Verifier
from chaosnet.crypto.scrypt import pow_hash


class Engines:
    """Makes the engines of one node."""

    def __init__(
        self,
        genesis: bytes,
        own_key: bytes | None,
        resume: Resume | None,
        verifier: Verifier | None = None,
        work_hash: Callable[[bytes, int], int] = pow_hash,
    ) -> None:
        """`resume` comes from the sign state; simulated nodes may share `verifier` and `work_hash`."""
        self._genesis = genesis
        self._own_key = own_key
        self._resume = resume
        self._verifier = verifier
        self._work_hash = work_hash

    def knows(self, name: str) -> bool:
        """Return whether this release has the engine."""
        return name in ("pbft", "dbft") or self.branching(name) is not None

    def quorum(self, name: str) -> Engine:
        """Return a new quorum engine; an idle one for a name of another kind."""
        if name == "pbft":
            return Pbft(self._genesis, self._own_key, self._resume, self._verifier)
        if name == "dbft":
            return Dbft(self._genesis, self._own_key, self._resume, self._verifier)
        return Idle(name)

    def branching(self, name: str) -> BranchEngine | None:
        """Return a branching engine; None for a name of another kind."""
        if name == "pow":
            return Pow(self._work_hash)
        if name == "pos":
            return Pos()
        if name == "dpos":
            return Dpos()
        return None
