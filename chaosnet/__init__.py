"""chaosnet: an ops-focused blockchain node distribution."""

from chaosnet import compiled as _compiled

__version__ = "0.1.0"

_compiled.install()
