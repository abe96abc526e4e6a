"""Processes of this machine that work for one that started them."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from concurrent.futures import ProcessPoolExecutor


def open_processes(size: int) -> ProcessPoolExecutor:
    """So many processes, each started anew (spawn), so that they are the same on every system.

    They leave Ctrl-C to the process that started them, and end when it does, however that may be.
    """
    return ProcessPoolExecutor(size, multiprocessing.get_context("spawn"), initializer=_leave_with_parent)


def _leave_with_parent() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()

    def wait() -> None:
        if parent is not None:
            parent.join()
            os._exit(1)

    threading.Thread(target=wait, daemon=True).start()
