"""Agreement: one engine protocol, the engines, and the sign state that keeps a key from voting twice."""
