"""Fixtures of all browser tests."""

from tests.browser.scene import scene

__all__ = ["scene"]
