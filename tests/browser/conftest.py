"""Fixtures of all browser tests."""

from tests.browser.scene import forking, scene

__all__ = ["forking", "scene"]
