"""How numba loads beside our folder named coverage, and how arrays reach the kernels."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from withinreach.kernels.cast import as_array

ROOT = Path(__file__).parents[1]


def test_numba_loads_from_the_root_without_coverage_py() -> None:
    code = """
import importlib.util, sys
from importlib.machinery import PathFinder
from pathlib import Path

class WithoutCoveragePy:
    @staticmethod
    def find_spec(name, path=None, target=None):
        if name != "coverage":
            return None
        spec = PathFinder.find_spec(name, [p for p in sys.path if not Path(p, name, "__init__.py").exists()])
        if spec is None:
            raise ModuleNotFoundError(name)
        return spec

sys.meta_path.insert(0, WithoutCoveragePy)
assert importlib.util.find_spec("coverage").origin is None, "our folder must be what Python finds"
import withinreach.kernels.snap, withinreach.kernels.nearest
assert "coverage" not in sys.modules, "the folder is hidden for no longer than it takes"
import coverage
assert not hasattr(coverage, "Coverage")
"""
    environment = os.environ | {"PYTHONPATH": str(ROOT / "coverage")}
    run = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr


def test_coverage_py_is_left_alone_where_it_is_installed() -> None:
    if importlib.util.find_spec("coverage") is None:
        pytest.skip("coverage.py is not installed")
    code = """
import coverage
import withinreach.kernels.jit
import sys
assert sys.modules["coverage"] is coverage
"""
    environment = os.environ | {"PYTHONPATH": str(ROOT / "coverage")}
    run = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT / "tests", env=environment, capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr


def test_arrays_reach_the_kernels_read_only_and_without_a_copy() -> None:
    """Numba compiles anew for every mixture of writeable and read-only arguments."""
    mine = np.arange(4)
    seen = as_array("mine", mine, np.int64)
    assert not seen.flags.writeable
    assert mine.flags.writeable
    assert np.shares_memory(seen, mine)
    narrow, strided = as_array("narrow", mine.astype(np.int32), np.int64), as_array("strided", mine[::2], np.int64)
    assert narrow.dtype == np.int64
    assert strided.flags.c_contiguous
    assert not narrow.flags.writeable
    assert not strided.flags.writeable
