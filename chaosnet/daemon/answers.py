"""Secrets that come from the consensus key without being it: the lottery's key and the hash onion."""

from pathlib import Path

from chaosnet.base.errors import Broken
from chaosnet.base.units import PublicKey
from chaosnet.crypto import vrf
from chaosnet.crypto.hashing import tagged_hash
from chaosnet.crypto.signing import public_key_of
from chaosnet.daemon.onion import Onion


def vrf_seed_of(consensus_seed: bytes) -> bytes:
    """Return the seed of the lottery's key: whoever backs up the consensus key has it too."""
    return tagged_hash(b"vrf", consensus_seed)


def vrf_key_of(consensus_seed: bytes) -> PublicKey:
    """Return the public key of the lottery."""
    return public_key_of(vrf_seed_of(consensus_seed))


class KeyAnswers:
    """Answers AskAnswer, in a thread. Nothing is recorded: the same question has the same answer."""

    def __init__(self, consensus_seed: bytes, onion_file: Path) -> None:
        """`onion_file` is made when it is first needed."""
        self._seed = consensus_seed
        self._onion_file = onion_file
        self._onion: Onion | None = None

    def answer(self, kind: str, question: bytes) -> bytes:
        """Return the proof of the lottery, or the next layer of the onion."""
        match kind:
            case "lottery":
                return vrf.prove(vrf_seed_of(self._seed), question)
            case "reveal":
                if self._onion is None:
                    self._onion = Onion.kept(self._onion_file, self._seed)
                return self._onion.reveal(question)
            case _:
                raise Broken("internal", f"no answer of kind {kind!r}")
