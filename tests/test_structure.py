"""The shape of the package: which stage may import which, and what no stage may do."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import withinreach

PACKAGE = Path(withinreach.__file__).parent
# In the order in which data flow. A stage imports only stages further up; two in one line do not know each other.
STAGES = [
    {"errors", "progress", "processes"},
    {"showing"},
    {"kernels"},
    {"study"},
    {"model"},
    {"sources"},
    {"preparation"},
    {"reach"},
    {"catchments"},
    {"measures"},
    {"standards"},
    {"analysis"},
    {"weighing", "uncertainty", "change"},
    {"scenarios"},
    {"siting"},
    {"maps", "exports", "exploring"},
    {"briefs"},
    {"publishing"},
    {"batch"},
    {"cli"},
    {"__main__"},
]
RANK = {name: rank for rank, names in enumerate(STAGES) for name in names}


def modules() -> list[Path]:
    return sorted(path for path in PACKAGE.rglob("*.py") if path != PACKAGE / "__init__.py")


def stage_of(path: Path) -> str:
    first = path.relative_to(PACKAGE).parts[0]
    return first.removesuffix(".py")


def imported(path: Path) -> set[str]:
    """Every module that a file imports, wherever the import stands."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            names.add(node.module or "")
    return names


def test_every_module_is_in_a_stage():
    assert {stage_of(path) for path in modules()} <= set(RANK)


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_stage_imports_only_stages_above_it(path):
    here = stage_of(path)
    for name in imported(path):
        if name.startswith("withinreach."):
            there = name.split(".")[1]
            assert there == here or RANK[there] < RANK[here], f"{here} imports {there}"


def test_only_one_module_imports_numba():
    users = {path.relative_to(PACKAGE).as_posix() for path in modules() if "numba" in imported(path)}
    assert users == {"kernels/jit.py"}


@pytest.mark.parametrize(
    ("library", "stages"),
    [
        ("pandas", set(RANK) - {"kernels"}),
        ("folium", {"maps"}),
        ("branca", {"maps"}),
        ("docx", {"briefs"}),
        ("matplotlib", {"maps", "uncertainty"}),
        ("PIL", {"maps"}),
        ("urllib", {"sources"}),
        ("requests", {"sources"}),
        ("http", {"sources"}),
        ("socket", {"sources"}),
        ("osmnx", {"sources"}),
        ("highspy", {"siting"}),
        ("ipywidgets", {"exploring"}),
        ("distributed", {"batch"}),
        ("filelock", {"batch"}),
    ],
)
def test_libraries_stay_in_their_stages(library, stages):
    users = {stage_of(path) for path in modules() if any(n.split(".")[0] == library for n in imported(path))}
    assert users <= stages


def test_no_python_file_lies_where_coverage_py_would_be_mistaken_for_ours():
    assert not list(PACKAGE.parent.glob("*.py"))
    assert not list(PACKAGE.rglob("coverage.py"))
    assert not (Path(__file__).parent / "__init__.py").exists()


def test_public_names_are_sorted_complete_and_no_modules():
    assert withinreach.__all__ == sorted(withinreach.__all__)
    for name in withinreach.__all__:
        value = getattr(withinreach, name)
        assert not isinstance(value, type(ast)), f"{name} is a module"
        assert value.__doc__, f"{name} has no docstring"


HEAVY = {
    "numpy",
    "pandas",
    "geopandas",
    "numba",
    "folium",
    "rasterio",
    "shapely",
    "pydantic",
    "rich",
    "networkx",
    "matplotlib",
}


@pytest.mark.parametrize("module", ["withinreach", "withinreach.cli"])
def test_importing_is_light(module):
    code = f"import sys, {module}; print(*sorted(set(sys.modules) & set({sorted(HEAVY)!r})))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


def test_importing_changes_nothing_global():
    """Beyond what the libraries do: rasterio sets variables for its certificates, scipy.special a warnings filter."""
    code = """
import logging, os, warnings
import folium, geopandas, matplotlib.figure, numba, numpy as np, openpyxl, pyarrow, pydantic, rasterio
import scipy.sparse.csgraph, scipy.spatial
import withinreach as wr
state = lambda: (dict(os.environ), list(warnings.filters), np.geterr(), list(logging.root.handlers), os.getcwd())
before = state()
for name in wr.__all__:
    getattr(wr, name)
assert state() == before
"""
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
