"""What every chapter of a brief has at hand."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from withinreach.briefs.blocks import Text
from withinreach.briefs.evidence import tables_of
from withinreach.briefs.sources import Sources
from withinreach.briefs.voice import Voice, tell_count
from withinreach.exports.withheld import SHOWN
from withinreach.maps.telling import tell_people, tell_share

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd

    from withinreach.briefs.blocks import Line
    from withinreach.briefs.evidence import Evidence
    from withinreach.study import Service, Study


class Desk:
    """One brief while it is written: of one area, or of all (code ``total``).

    Parameters
    ----------
    gaps
        See `tables_of`.

    Attributes
    ----------
    evidence : Evidence
    code, name : str
    study : Study
    voice : Voice
    sources : Sources
    """

    def __init__(self, evidence: Evidence, code: str, gaps: pd.DataFrame | None = None) -> None:
        self.evidence = evidence
        self.code, self.name = code, evidence.name_of(code)
        self.study: Study = evidence.result.case.study
        self.voice = Voice(self.study.language)
        self.sources = Sources(tables_of(evidence, code, gaps), SHOWN[self.study.language])
        self._tables, self._pictures = 0, 0

    @property
    def services(self) -> tuple[Service, ...]:
        """In the order of the study."""
        return tuple(self.study.services.values())

    @property
    def inhabited(self) -> bool:
        """Whether any service has people here."""
        return any(self.coverage(service, "people") > 0 for service in self.services)

    def group(self, service: Service) -> str:
        """For whom a service is."""
        return self.study.population.groups[service.people].title

    def coverage(self, service: Service, column: str) -> float:
        """A figure of the area's row of the coverage table."""
        return self.sources.value("coverage", (self.code, service.name), column)

    def measure(self, service: Service, column: str, tell: Callable[[float], str]) -> Line:
        """The same, told."""
        return (self.sources.figure("coverage", (self.code, service.name), column, tell),)

    def people(self, service: Service, column: str) -> Line:
        """People in the coverage table."""
        return self.measure(service, column, self.tell_people)

    def share(self, service: Service, column: str = "coverage") -> Line:
        """A share in the coverage table."""
        return self.measure(service, column, tell_share)

    def of_whole(self, service: Service) -> Line:
        """Coverage of all areas together."""
        row = ("total", service.name)
        return (self.sources.figure("coverage", row, "coverage", tell_share),)

    def interval(self, service: Service) -> Line:
        """From where to where coverage may be."""
        row = (self.code, service.name)
        low, high = ((self.sources.figure("intervals", row, name, tell_share),) for name in ("low", "high"))
        return self.voice.say("signs.range", {"low": low, "high": high})

    def plan(self, service: Service, column: str, tell: Callable[[float], str]) -> Line:
        """A figure of the service's new sites."""
        return (self.sources.figure("plans", (service.name,), column, tell),)

    def setting(self, key: str, tell: Callable[[float], str]) -> Line:
        """A number of the study."""
        return (self.sources.figure("study", (key,), "value", tell),)

    def of_service(self, service: Service, key: str, tell: Callable[[float], str]) -> Line:
        """A number of the study's service."""
        return self.setting(f"services.{service.name}.{key}", tell)

    def day(self, key: str) -> Line:
        """A date of the study."""
        return (self.sources.day(key, self.voice.day),)

    @property
    def tell_people(self) -> Callable[[float], str]:
        """People with their unit."""
        return partial(tell_people, language=self.voice.language)

    @property
    def count_people(self) -> Callable[[float], str]:
        """People in a table: where the unit is always the same it stands in the head."""
        return self.tell_people if self.voice.language == "zh" else tell_count

    def table_caption(self, key: str) -> Line:
        """The caption of the next table."""
        self._tables += 1
        return self.voice.say(key, {"number": (Text(str(self._tables)),)})

    def picture_number(self) -> Line:
        """The number of the next picture."""
        self._pictures += 1
        return (Text(str(self._pictures)),)
