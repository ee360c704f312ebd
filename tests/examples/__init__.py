"""The example contracts, and the code in docs/contracts.md."""
