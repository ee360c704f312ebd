"""chaosnet: an ops-focused blockchain node distribution."""

__version__ = "0.1.0"
