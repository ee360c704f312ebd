"""The terminal: all nodes of a network side by side, live. It reads nodes over REST only."""
