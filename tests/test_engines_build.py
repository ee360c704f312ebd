"""The engines of contracts come out of the build bit for bit, wherever it runs."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.tidy import REPOSITORY


@pytest.mark.soak
@pytest.mark.process
@pytest.mark.timeout(3_000)
def test_two_builds_in_two_folders_give_the_modules_of_the_repository(tmp_path: Path) -> None:
    """Compare with the committed modules; a folder with the fetched packages may be given beforehand."""
    packages = Path(os.environ.get("CHAOSNET_ENGINE_PACKAGES", tmp_path / "packages"))
    program = str(REPOSITORY / "engines/build.py")
    for folder in ("first", "another/with a longer name"):
        work = tmp_path / folder
        command = [sys.executable, program, "--packages", str(packages), "--work", str(work)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if "No matching distribution" in done.stderr or "ConnectionError" in done.stderr:
            pytest.skip("the packages that the engines are built from cannot be fetched here")
        assert done.returncode == 0, done.stdout + done.stderr
        assert "differs" not in done.stderr
