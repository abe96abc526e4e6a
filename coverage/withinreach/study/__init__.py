"""The study: one TOML file that says what to measure, on which inputs.

A study is read with `load_study`, is frozen, and carries the unit of every number in its name. Paths in the
file are relative to the file. Unknown keys are errors, so a typo cannot silently fall back to a default.
"""

from __future__ import annotations

from withinreach.study.document import Study
from withinreach.study.fields import DATUMS, Identifier, Strict
from withinreach.study.judging import RegisterFile, StatisticsLayer, UnitLayer
from withinreach.study.kinds import Kind, StudyKind, Taxonomy, kinds_file
from withinreach.study.layers import (
    AreaLayer,
    FacilityLayer,
    NetworkCleaning,
    NetworkLayer,
    PopulationGroup,
    PopulationLayer,
    PopulationPart,
    TerrainLayer,
    WaterLayer,
)
from withinreach.study.problems import problem_lines, read_toml
from withinreach.study.reading import known_profiles, load_study
from withinreach.study.services import Norm, Profile, Service

__all__ = [
    "DATUMS",
    "AreaLayer",
    "FacilityLayer",
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
    "Service",
    "StatisticsLayer",
    "Strict",
    "Study",
    "StudyKind",
    "Taxonomy",
    "TerrainLayer",
    "UnitLayer",
    "WaterLayer",
    "kinds_file",
    "known_profiles",
    "load_study",
    "problem_lines",
    "read_toml",
]
