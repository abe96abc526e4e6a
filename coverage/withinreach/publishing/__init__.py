"""Result -> folders: the tables of the whole, and for every county one folder that is complete by itself.

`Publication` holds what the folders are written from; `write_whole` and `write_county` each write one folder, and
know nothing of each other, so that counties can be written one by one, in any order and by several processes.
"""

from __future__ import annotations

from withinreach.publishing.county import write_county, write_county_map
from withinreach.publishing.crew import Crew, open_crew, worth_folders, worth_maps
from withinreach.publishing.folders import (
    COUNTIES,
    HOME,
    INDEX,
    county_folder,
    export,
    publish,
    write_index,
    write_whole,
)
from withinreach.publishing.publication import (
    NO_INTERVALS,
    NO_WALKS,
    Material,
    Publication,
    every_walk,
    facility_register,
)

__all__ = [
    "COUNTIES",
    "HOME",
    "INDEX",
    "NO_INTERVALS",
    "NO_WALKS",
    "Crew",
    "Material",
    "Publication",
    "county_folder",
    "every_walk",
    "export",
    "facility_register",
    "open_crew",
    "publish",
    "worth_folders",
    "worth_maps",
    "write_county",
    "write_county_map",
    "write_index",
    "write_whole",
]
