"""The study: one TOML file that says what to measure, on which inputs.

A study is read with `load_study`, is frozen, and carries the unit of every number in its name. Paths in the
file are relative to the file. Unknown keys are errors, so a typo cannot silently fall back to a default.
"""

from __future__ import annotations

from withinreach.study.checking import AuditSettings, CrosswalkLayer, RepairsFile
from withinreach.study.country import load_studies
from withinreach.study.disclosure import Disclosure
from withinreach.study.document import Study
from withinreach.study.fields import DATUMS, FROM_FILE, Identifier, Strict
from withinreach.study.judging import RegisterFile, StatisticsLayer, UnitListLayer
from withinreach.study.kinds import Kind, StudyKind, Taxonomy, kinds_file
from withinreach.study.layers import (
    AreaLayer,
    CompoundLayer,
    FacilityLayer,
    NetworkCleaning,
    NetworkLayer,
    TerrainLayer,
    WaterLayer,
)
from withinreach.study.population import (
    AgeBands,
    Calibration,
    Homes,
    PopulationGroup,
    PopulationLayer,
    PopulationPart,
    Spread,
    Townships,
    UnitLayer,
)
from withinreach.study.problems import problem_lines, read_toml
from withinreach.study.reading import known_profiles, load_study
from withinreach.study.services import Norm, Profile, Service

__all__ = [
    "DATUMS",
    "FROM_FILE",
    "AgeBands",
    "AreaLayer",
    "AuditSettings",
    "Calibration",
    "CompoundLayer",
    "CrosswalkLayer",
    "Disclosure",
    "FacilityLayer",
    "Homes",
    "Identifier",
    "Kind",
    "NetworkCleaning",
    "NetworkLayer",
    "Norm",
    "PopulationGroup",
    "PopulationLayer",
    "PopulationPart",
    "Profile",
    "RegisterFile",
    "RepairsFile",
    "Service",
    "Spread",
    "StatisticsLayer",
    "Strict",
    "Study",
    "StudyKind",
    "Taxonomy",
    "TerrainLayer",
    "Townships",
    "UnitLayer",
    "UnitListLayer",
    "WaterLayer",
    "kinds_file",
    "known_profiles",
    "load_studies",
    "load_study",
    "problem_lines",
    "read_toml",
]
