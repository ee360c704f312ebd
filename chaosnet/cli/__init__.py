"""The `chaosnet` command."""
