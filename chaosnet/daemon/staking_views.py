"""Who makes the blocks, whose coins stand behind them, and the branches they have made."""

from chaosnet.base.errors import Unavailable
from chaosnet.daemon.chain_views import ChainViews
from chaosnet.rpc import schema


class StakingViews(ChainViews):
    """Adds validators, delegations and the tree of blocks to the reads of one node's chain."""

    def validators(self, first: int, limit: int) -> schema.ValidatorList:
        """Return validators by weight, then candidates by bond."""
        raise Unavailable("not_ready", "validators")

    def tree(self) -> schema.Tree:
        """Return the blocks that may still be undone."""
        raise Unavailable("not_ready", "tree")

    def delegations(self, address: str) -> schema.DelegationList:
        """Return what an account has bonded."""
        raise Unavailable("not_ready", "delegations")
