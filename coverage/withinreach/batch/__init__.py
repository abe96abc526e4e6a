"""Many counties in one run, on all cores or many machines, that can be broken off at any moment.

`run_batch` writes what `withinreach.publishing.export` writes of each study; `write_parts` and `read_county` are how
a county is handed to whoever publishes it.
"""

from __future__ import annotations

from withinreach.batch.jobs import Done, Job, Label
from withinreach.batch.parts import write_parts
from withinreach.batch.reading import read_county, read_summary, read_whole
from withinreach.batch.running import Watcher
from withinreach.batch.sources import Plan, Source, load_sources, look, partition
from withinreach.batch.undertakings import Entry, run_batch
from withinreach.batch.workers import Hands

__all__ = [
    "Done",
    "Entry",
    "Hands",
    "Job",
    "Label",
    "Plan",
    "Source",
    "Watcher",
    "load_sources",
    "look",
    "partition",
    "read_county",
    "read_summary",
    "read_whole",
    "run_batch",
    "write_parts",
]
