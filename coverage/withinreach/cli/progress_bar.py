"""Progress of long work, on a terminal."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from withinreach.progress import silent

if TYPE_CHECKING:
    from collections.abc import Iterator

    from withinreach.progress import Progress


@contextmanager
def progress_bar(title: str, steps: int) -> Iterator[Progress]:
    """A bar on a terminal with the stage and an estimate of the time left; nothing in logs and pipes."""
    from rich.console import Console
    from rich.progress import BarColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    console = Console(stderr=True)
    if not console.is_terminal:
        yield silent
        return
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn(), TimeRemainingColumn())
    with Bar(*columns, console=console, transient=True) as bar:
        task = bar.add_task(title, total=steps)
        started = False

        def step(stage: str) -> None:
            nonlocal started
            bar.update(task, description=f"{title}: {stage}", advance=1 if started else 0)
            started = True

        yield step
