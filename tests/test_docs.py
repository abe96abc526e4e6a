"""README is true: its commands exist, its names exist, its Python runs."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import withinreach as wr
from withinreach.cli import cli

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_two_commands_stand_first():
    first = re.search(r"```sh\n(.*?)```", README, re.DOTALL)
    assert first is not None
    assert [line.split("#")[0].strip() for line in first[1].splitlines()] == ["make demo", "make test", "make check"]


@pytest.mark.parametrize("command", sorted(cli.commands))
def test_every_command_is_documented_and_has_help(command):
    assert f"withinreach {command}" in README
    assert cli.commands[command].help


@pytest.mark.parametrize("name", sorted(wr.__all__))
def test_every_public_name_is_documented(name):
    assert re.search(rf"\b{name}\b", README)


def test_every_folder_and_module_of_the_tree_exists():
    tree = re.search(r"```\ncoverage/withinreach/\n(.*?)```", README, re.DOTALL)
    assert tree is not None
    named = {line.split()[0].rstrip("/") for line in tree[1].splitlines()}
    package = ROOT / "coverage" / "withinreach"
    have = {p.name for p in package.iterdir() if p.is_dir() or p.suffix == ".py"} - {"__pycache__"}
    assert named == have - {"__init__.py", "__main__.py", "progress.py"}


def test_pictures_are_there():
    for path in re.findall(r"!\[[^]]*\]\(([^)]+)\)", README):
        assert (ROOT / path).stat().st_size > 10_000


def test_python_example_runs(tmp_path, monkeypatch, capsys):
    code = re.search(r"```python\n(.*?)```", README, re.DOTALL)
    assert code is not None
    (tmp_path / "data").symlink_to(ROOT / "data", target_is_directory=True)
    (tmp_path / "maps").mkdir()
    monkeypatch.chdir(tmp_path)
    exec(compile(code[1], "README.md", "exec"), {})
    assert capsys.readouterr().out.rstrip().endswith("True")
    assert (tmp_path / "maps" / "mine.html").is_file()
    assert (tmp_path / "maps" / "mine" / "county" / "410782" / "410782_coverage.csv").is_file()
