"""Tests mirror the tree: tests/unit/<room>/test_<file>.py; the rest is by kind."""
