"""What a node keeps on disk: the chain in one SQLite file, and the sign state beside the key."""
