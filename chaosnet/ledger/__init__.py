"""What a block does to the state: the definition of validity behind a header's state root."""
