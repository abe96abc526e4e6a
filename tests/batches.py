"""What the tests of batches share: folders as bytes, and batches in processes of their own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import withinreach as wr
from withinreach.batch.workplace import HIDDEN
from withinreach.publishing import export

PACKAGE = Path(wr.__file__).parents[1]


def files(folder: Path) -> dict[str, bytes]:
    """Everything that readers find in a folder."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.relative_to(folder).parts[0] != HIDDEN
    }


def published(study: Path, folder: Path) -> dict[str, bytes]:
    """What an export of the whole writes."""
    export(wr.analyse(wr.prepare(wr.load_study(study))), folder)
    return files(folder)


def start(*args: object, **options) -> subprocess.Popen[str]:
    """Start the command line in a process of its own."""
    paths = [str(PACKAGE), os.environ.get("PYTHONPATH", "")]
    return subprocess.Popen(
        [sys.executable, "-m", "withinreach", *map(str, args)],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, paths))},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **options,
    )


def ended(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    """Exit code, output and errors of a process that ends by itself."""
    out, err = process.communicate(timeout=300)
    return process.returncode, out, err
