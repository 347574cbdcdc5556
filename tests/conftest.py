"""Fixtures shared by all tests."""

import os
from pathlib import Path

import numpy as np
import pytest


@pytest.fixture
def rng():
    return np.random.default_rng(20260115)


@pytest.fixture(scope="session")
def test_data():
    """Folder of real images; tests that need it are skipped where it is absent."""
    folder = os.environ.get("CLASSICSEG_TEST_DATA", "")
    if not folder:
        pytest.skip("CLASSICSEG_TEST_DATA names no folder of real images")
    path = Path(folder)
    if not path.is_dir():
        pytest.skip(f"CLASSICSEG_TEST_DATA is {folder!r}, which is no folder")
    return path
