"""What the tests read: the samples of the repository, and public recordings beside it where they are."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="session")
def samples() -> Path:
    return ROOT / "samples"


@pytest.fixture(scope="session")
def fleet() -> Path:
    return ROOT / "samples-fleet"


@pytest.fixture(scope="session")
def recordings() -> Path:
    """The folder with public recordings, which is not part of the repository."""
    folder = ROOT.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("skipped: there is no folder shared/data beside the repository")
    return folder


@pytest.fixture(scope="session")
def command() -> Path:
    """The command line, whose answers these are to be."""
    found = Path(os.environ.get("SCOTOMA_BIN", ROOT / "target" / "debug" / "scotoma"))
    if not found.is_file():
        pytest.skip("skipped: the command line is not built; SCOTOMA_BIN names it")
    return found
