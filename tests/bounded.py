"""Reading a hostile file in a process of its own, to see how much memory it takes."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import withinreach

CODE = """
import resource, sys
from pathlib import Path
from withinreach.errors import SourceError
from withinreach.sources.tables import read_table
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
try:
    read_table(Path(sys.argv[1]))
except SourceError as error:
    print(len(error.problems), error)
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)
"""


def told_and_grown(path: Path) -> tuple[str, int]:
    """The one line that reading a table ends with, and by how many megabytes the process grew."""
    environment = {**os.environ, "PYTHONPATH": str(Path(withinreach.__file__).parents[1])}
    command = [sys.executable, "-c", CODE, str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    told, grown = done.stdout.splitlines()
    assert told.startswith("1 "), told
    return told, int(grown)
