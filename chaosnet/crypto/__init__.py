"""Hashes, signatures, addresses, proofs: pure functions over bytes that decide nothing about the chain."""
