"""A chain in one process for people who write contracts: the real ledger and engines, and no network."""
