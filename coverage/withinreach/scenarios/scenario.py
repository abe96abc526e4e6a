"""The scenario: changes as data, and what they make of a case."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import ValidationError

from withinreach.errors import StudyError
from withinreach.scenarios.applying import applied, cost_of
from withinreach.scenarios.card import scenario_card
from withinreach.scenarios.document import Changes
from withinreach.study import problem_lines, read_toml

if TYPE_CHECKING:
    from withinreach.model import Case


class Scenario(Changes):
    """What might be changed, as data.

    Attributes
    ----------
    title
        How tables call it.
    datum
        Of all coordinates in it.
    open, close, resize, move
        Facilities.
    link, block
        Streets.
    population
        People.
    profiles, walking
        Profiles that are added or replaced, as in a study; and by service the profile that counts.
    tariffs
        By kind of facility.
    """

    def apply(self, case: Case) -> Case:
        """The case as it would be; everything that does not change is the same object.

        People stay where they meet the streets, whatever is built beside them; those on a blocked street go to the
        nearest other one. Closed facilities keep their row, with the kind ``closed``; new ones stand below the others.

        Raises
        ------
        StudyError
            One line for every part of the scenario that does not fit the case.
        """
        return applied(self, case)

    def cost(self, case: Case) -> float:
        """What the scenario costs in all, in the currency of its figures; NaN where one part's cost is unknown."""
        return cost_of(self, case)

    def to_toml(self) -> str:
        """The scenario as a file that `load_scenario` reads."""
        data = self.model_dump(mode="json", exclude_defaults=True, exclude_none=True)
        plain = {key: value for key, value in data.items() if not isinstance(value, dict) and not _tables(value)}
        lines = [f"{key} = {_toml(value)}" for key, value in plain.items()]
        for key, value in data.items():
            if key not in plain:
                for table in value if isinstance(value, list) else [value]:
                    lines += ["", f"[[{key}]]" if isinstance(value, list) else f"[{key}]"]
                    lines += [f"{name} = {_toml(item)}" for name, item in table.items()]
        return "\n".join(lines) + "\n"

    def _repr_html_(self) -> str:
        return scenario_card(self)


def _tables(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(item, dict) for item in value)


def _toml(value: object) -> str:
    """A value in TOML; its strings are written like those of JSON."""
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{json.dumps(key)} = {_toml(item)}" for key, item in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(_toml(item) for item in value) + "]"
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def load_scenario(path: str | Path) -> Scenario:
    """Read a scenario file.

    Parameters
    ----------
    path
        A TOML file. A path in it is taken from its folder.

    Raises
    ------
    StudyError
        One line for every problem: the file, the key, what is wrong and what would be right.
    """
    path = Path(path)
    raw = read_toml(path, what="a scenario", absent="no such scenario file")
    try:
        scenario = Scenario.model_validate(raw)
    except ValidationError as error:
        raise StudyError(problem_lines(path, error, Scenario, raw)) from None
    if scenario.population.study is None:
        return scenario
    anchored = scenario.population.model_copy(update={"study": path.parent / scenario.population.study})
    return scenario.model_copy(update={"population": anchored})
