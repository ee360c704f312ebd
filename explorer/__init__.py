"""The public site of a network: live blocks, transactions, accounts, nodes. It reads nodes over REST only."""
