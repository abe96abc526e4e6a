"""The data dictionary: title, unit and meaning of every column of every table, in the study's language."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from withinreach.study import Study

# Fields of Table Schema (https://specs.frictionlessdata.io/table-schema) by the sort of a column.
FIELD_TYPES = {
    "text": "string",
    "code": "string",
    "yes": "boolean",
    "date": "date",
    "flag": "number",
    "whole": "number",  # counts that may be unknown are kept as numbers with a point
    "year": "number",
}


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a column is: its name, sort (see ``dictionary.toml``), title, unit and description."""

    name: str
    sort: str
    title: str
    unit: str
    description: str

    @property
    def header(self) -> str:
        """Title with the unit, as offices write it above a column."""
        return f"{self.title}({self.unit})" if self.unit else self.title

    @property
    def field_type(self) -> str:
        """Its type in Table Schema."""
        return FIELD_TYPES.get(self.sort, "number")


class Dictionary:
    """Looks columns up, those that a study brings along (groups, services, areas, attributes) included."""

    def __init__(self, study: Study) -> None:
        self._study = study
        self._zh = study.language == "zh"

    def table(self, name: str) -> tuple[str, str]:
        """Title and purpose of a table."""
        title, purpose = _read()["tables"][name][self._study.language]
        return title, purpose

    def column(self, table: str, name: str) -> Meaning:
        """What a column of a table means."""
        told = _read()["tables"][table].get("columns", {}).get(name) or _read()["columns"].get(name)
        if told is not None:
            sort, *words = told
            return Meaning(name, sort, *(words[:3] if self._zh else words[3:]))
        return self._of_service(table, name) or self._of_study(table, name)

    def _of_service(self, table: str, name: str) -> Meaning | None:
        """``<service>_<figure>`` of the layers: what the figure means, said of the service."""
        for service in self._study.services.values():
            figure = name.removeprefix(f"{service.name}_")
            if figure == name:
                continue
            known = {"s": "seconds", "nearest": "nearest_id", "status": "reason"}.get(figure, figure)
            if known in _read()["columns"]:
                meant = self.column(table, known)
                return Meaning(name, meant.sort, f"{service.title}·{meant.title}", meant.unit, meant.description)
        return None

    def _of_study(self, table: str, name: str) -> Meaning:
        """A group of people, an attribute of the study's own, or in the ledger the code of an area."""
        people, unit = ("人口", "人") if self._zh else ("people", "persons")
        groups = self._study.population.groups
        if name in groups:
            return Meaning(name, "people", groups[name].title, unit, f"{groups[name].title}：{people}")
        if name in {key for layer in self._study.facilities for key in layer.attributes}:
            return Meaning(name, "number", name, "", "研究文件定义的属性" if self._zh else "attribute of the study")
        if table != "ledger":
            raise KeyError(f"dictionary.toml tells nothing of {table}.{name}")
        return Meaning(name, "people", name, unit, "该区人口" if self._zh else "people of the area with this code")


@cache
def _read() -> dict[str, Any]:
    return tomllib.loads((files("withinreach.exports") / "dictionary.toml").read_text(encoding="utf-8"))
