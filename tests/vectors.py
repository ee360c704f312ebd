"""Published test vectors, in ../shared/vectors beside the repository or where CHAOSNET_VECTORS says."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

_BESIDE = Path(__file__).resolve().parents[2] / "shared" / "vectors"


def vectors(path: str) -> Path:
    """Return the path of one vector file or folder; skip the test when it is not on this machine."""
    found = Path(os.environ.get("CHAOSNET_VECTORS", _BESIDE)) / path
    if not found.exists():
        pytest.skip(f"published vectors {path} are not here: set CHAOSNET_VECTORS to their folder")
    return found


def vectors_json(path: str) -> Any:
    """Return the parsed content of one JSON vector file; skip the test when it is absent."""
    return json.loads(vectors(path).read_text(encoding="utf-8"))
