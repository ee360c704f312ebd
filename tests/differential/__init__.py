"""Generated contracts: the same on every node, whatever befalls it."""
