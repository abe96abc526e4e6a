"""The study as a whole: its layers, profiles and services, and that every name in it is defined."""

from __future__ import annotations

import datetime as dt
import difflib
from functools import cached_property
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field, model_validator

from withinreach.errors import StudyError
from withinreach.study.checking import AuditSettings, CrosswalkLayer, Repairs
from withinreach.study.disclosure import Disclosure, of_veterans
from withinreach.study.fields import BriefTemplate, Identifier, Strict
from withinreach.study.judging import Register, StatisticsLayer, UnitLevel, UnitListLayer
from withinreach.study.kinds import StudyKind, Taxonomy, taxonomy
from withinreach.study.layers import AreaLayer, CompoundLayer, FacilityLayer, NetworkLayer, WaterLayer
from withinreach.study.mapping import MapSheet
from withinreach.study.population import PopulationLayer
from withinreach.study.services import TRIED_S, Profile, Service

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path


class Study(Strict):
    """Everything that one run needs to know.

    `metric_crs` is the one projected CRS of the case, in metres; there is no fallback. For Xinxiang EPSG:4547
    (CGCS2000, 3-degree Gauss-Krüger, 114° E) keeps lengths within 100 ppm, where both neighbouring UTM zones err
    by up to 1,227 ppm.
    """

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")]
    title: str
    language: Literal["zh", "en"] = "zh"
    metric_crs: Annotated[str, Field(pattern=r"^EPSG:\d+$")]
    as_of: dt.date
    notice: str = ""
    producer: str = ""
    areas: AreaLayer
    network: NetworkLayer
    population: PopulationLayer
    facilities: tuple[FacilityLayer, ...] = Field(min_length=1)
    profiles: dict[Identifier, Profile] = Field(min_length=1)
    services: dict[Identifier, Service] = Field(min_length=1)
    water: WaterLayer | None = None
    compounds: CompoundLayer | None = None
    map: MapSheet = MapSheet()
    audit: AuditSettings = AuditSettings()
    repairs: Repairs | None = None
    crosswalk: CrosswalkLayer | None = None
    brief_template: BriefTemplate | None = None
    kinds: dict[Identifier, StudyKind] = Field(default_factory=dict)
    registers: tuple[Register, ...] = ()
    statistics: StatisticsLayer | None = None
    units: dict[UnitLevel, UnitListLayer] = Field(default_factory=dict)
    disclosure: Disclosure | None = None

    @cached_property
    def taxonomy(self) -> Taxonomy:
        """The kinds of facility that are known here."""
        return taxonomy(self.kinds)

    @model_validator(mode="after")
    def _names_are_defined(self) -> Study:
        problems: list[str] = []

        def need(where: str, value: str, known: Iterable[str]) -> None:
            if value not in known:
                listed = ", ".join(sorted(known)) or "nothing"
                problems.append(f"{where} = '{value}' is not defined here; defined: {listed}")

        for number, layer in enumerate(self.facilities, start=1):
            for kind in filter(None, (layer.kind, *layer.kinds.values())):
                problems += self._unknown_kind(f"facilities.{number}", kind)
        for name, service in self.services.items():
            at = f"services.{name}"
            need(f"{at}.people", service.people, set(self.population.groups))
            need(f"{at}.profile", service.profile, set(self.profiles))
            for kind in service.kinds:
                problems += self._unknown_kind(f"{at}.kinds", kind)
            if service.norm is not None:
                need(f"{at}.norm.of", service.norm.of, set(self.population.groups))
        for group in self.disclosure.groups if self.disclosure is not None else ():
            need("disclosure.groups", group, set(self.population.groups))
        if problems:
            raise ValueError("\n".join(problems))
        return self

    def _unknown_kind(self, where: str, kind: str) -> list[str]:
        if kind in self.taxonomy.kinds:
            return []
        close = difflib.get_close_matches(kind, list(self.taxonomy.kinds), n=3)
        meant = f"; like it: {', '.join(close)}" if close else ""
        return [f"{where} = '{kind}' is not a kind{meant}; define it with [kinds.{kind}]"]

    def service(self, name: str) -> Service:
        """The service of this name.

        Raises
        ------
        StudyError
            If there is none.
        """
        if name not in self.services:
            raise StudyError(f"no service '{name}' in the study; it has: {', '.join(self.services)}")
        return self.services[name]

    @property
    def protected_groups(self) -> tuple[str, ...]:
        """Groups whose small counts are not told: those that the study names, or all, and always those of veterans."""
        groups = self.population.groups
        asked: Iterable[str] = ()
        if self.disclosure is not None:
            asked = self.disclosure.groups or groups
        return tuple(name for name, group in groups.items() if name in asked or of_veterans(name, group))

    @property
    def protected_services(self) -> tuple[str, ...]:
        """Services whose figures count people of such groups."""
        hidden = self.protected_groups
        return tuple(
            name
            for name, service in self.services.items()
            if service.people in hidden or (service.norm is not None and service.norm.of in hidden)
        )

    @property
    def page_reach_m(self) -> float:
        """How far people may walk on a page: the longest cutoff at the fastest pace, and what is tried there."""
        profiles = self.profiles
        own = max(s.cutoff_s * profiles[s.profile].speed_m_s for s in self.services.values())
        return max(own, TRIED_S * max(profile.speed_m_s for profile in profiles.values() if profile.slope != "none"))

    @property
    def facility_kinds(self) -> set[str]:
        """The kinds that layers of facilities are said to hold; a column of kinds may hold others."""
        alone = {layer.kind for layer in self.facilities if layer.kind is not None}
        return alone | {kind for layer in self.facilities for kind in layer.kinds.values()}

    def input_paths(self) -> tuple[Path, ...]:
        """Every file that the study reads, once each, in the order of the study."""
        paths = [self.areas.path, self.network.path, *self.population.paths()]
        paths += [layer.path for layer in self.facilities]
        single = (self.water, self.network.terrain, self.compounds, self.repairs, self.crosswalk, self.statistics)
        paths += [layer.path for layer in (*single, self.brief_template) if layer is not None]
        paths += [register.path for register in self.registers if register.path is not None]
        paths += [layer.path for layer in self.units.values()]
        return tuple(dict.fromkeys(paths))
