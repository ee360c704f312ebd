"""Consensus rules: one frozen, complete value for each voted version."""
