"""Packages of npm for tests that hold our words against those of others."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

OPTIONS = ("--no-save", "--no-package-lock", "--no-audit", "--no-fund", "--prefer-offline", "--fetch-retries=0")


def install(folder: Path, *packages: str) -> None:
    """Put packages into a folder; skip the test where there is no npm or its registry does not answer."""
    npm = shutil.which("npm")
    if npm is None or shutil.which("node") is None:
        pytest.skip("no node and npm here")
    (folder / "package.json").write_text('{"private": true, "type": "module"}')
    try:
        got = subprocess.run(
            [npm, "install", *OPTIONS, *packages], cwd=folder, capture_output=True, text=True, timeout=180, check=False
        )
    except subprocess.TimeoutExpired:
        pytest.skip("the npm registry does not answer")
    if got.returncode:
        pytest.skip(f"the npm registry cannot be reached: {got.stderr.strip().splitlines()[:1]}")
