"""What is on the chain, as frozen structs with one canonical encoding each."""
