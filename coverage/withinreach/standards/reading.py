"""Registers by name or path -> Register, or one line for every problem in them."""

from __future__ import annotations

from importlib.resources import as_file, files
from typing import TYPE_CHECKING

from pydantic import ValidationError

from withinreach.errors import StudyError
from withinreach.standards.register import Register
from withinreach.study import problem_lines, read_toml

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from withinreach.study import RegisterFile

FOLDER = files(__package__) / "registers"


def known_registers() -> tuple[str, ...]:
    """Names of the registers that come with the package."""
    names = sorted(entry.name for entry in FOLDER.iterdir())
    return tuple(name.removesuffix(".toml") for name in names if name.endswith(".toml"))


def load_registers(named: Iterable[RegisterFile]) -> tuple[Register, ...]:
    """Read the registers that a study names.

    Raises
    ------
    StudyError
        One line for every problem of all of them: the file, the target, the key, what is wrong and what would be
        right.
    """
    registers: list[Register] = []
    problems: list[str] = []
    for one in named:
        try:
            registers.append(_load(one))
        except StudyError as error:
            problems += error.problems
    ids = [register.id for register in registers]
    problems += [f"registers: two have the id '{one}'; name one of them only" for one in set(ids) if ids.count(one) > 1]
    if problems:
        raise StudyError(problems)
    return tuple(registers)


def _load(one: RegisterFile) -> Register:
    if one.path is not None:
        return _read(one.path)
    if one.name not in known_registers():
        raise StudyError(
            f"registers: '{one.name}' is no register of this package, which has: {', '.join(known_registers())}; "
            "the path of a register of your own ends in .toml"
        )
    with as_file(FOLDER / f"{one.name}.toml") as path:
        return _read(path)


def _read(path: Path) -> Register:
    raw = read_toml(
        path,
        what="a register",
        absent="no such register; correct the path in the study (it is relative to the study file)",
    )
    try:
        return Register.model_validate(raw)
    except ValidationError as error:
        raise StudyError(problem_lines(path, error, Register, raw, with_id="targets")) from None
