"""The study: one TOML file that says what to measure, on which inputs.

A study is read with `load_study`, is frozen, and carries the unit of every number in its name. Paths in the
file are relative to the file. Unknown keys are errors, so a typo cannot silently fall back to a default.
"""

from __future__ import annotations

from withinreach.study.document import Study
from withinreach.study.fields import DATUMS
from withinreach.study.kinds import Kind, StudyKind, Taxonomy, kinds_file
from withinreach.study.layers import (
    AreaLayer,
    CompoundLayer,
    FacilityLayer,
    NetworkCleaning,
    NetworkLayer,
    PopulationGroup,
    PopulationLayer,
    PopulationPart,
    TerrainLayer,
    WaterLayer,
)
from withinreach.study.reading import known_profiles, load_study
from withinreach.study.services import Norm, Profile, Service

__all__ = [
    "DATUMS",
    "AreaLayer",
    "CompoundLayer",
    "FacilityLayer",
    "Kind",
    "NetworkCleaning",
    "NetworkLayer",
    "Norm",
    "PopulationGroup",
    "PopulationLayer",
    "PopulationPart",
    "Profile",
    "Service",
    "Study",
    "StudyKind",
    "Taxonomy",
    "TerrainLayer",
    "WaterLayer",
    "kinds_file",
    "known_profiles",
    "load_study",
]
