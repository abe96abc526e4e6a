"""The command line: parse, call the public API, print. Heavy modules are imported by the commands that need them."""

from __future__ import annotations

import sys

from withinreach.cli import batches, briefs, inputs, questions, sites, studies, targets
from withinreach.cli.group import cli

__all__ = ["batches", "briefs", "cli", "inputs", "main", "questions", "sites", "studies", "targets"]


def main() -> None:
    """Entry point of the `withinreach` command."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
    cli()
