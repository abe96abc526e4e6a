"""The one module that imports numba.

numba runs ``import coverage`` to support coverage.py. Started from the root of this repository where coverage.py is
not installed, Python would take our folder ``coverage/`` for it, as a namespace package, and numba would fail on the
attributes that it lacks. So while numba loads, a ``coverage`` that is not a real package is hidden.
"""

from __future__ import annotations

import importlib.util
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar, cast

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

Function = TypeVar("Function", bound="Callable[..., Any]")


def _coverage_py_is_here() -> bool:
    """Whether ``import coverage`` would give a package with code, and not a mere folder of that name."""
    try:
        spec = importlib.util.find_spec("coverage")
    except ValueError:  # a module without a spec stands in sys.modules: somebody put it there on purpose
        return True
    return spec is not None and spec.origin is not None


@contextmanager
def _folder_hidden() -> Iterator[None]:
    """Let ``import coverage`` raise ImportError inside, unless it would find coverage.py."""
    if _coverage_py_is_here():
        yield
        return
    absent = object()
    before: Any = sys.modules.get("coverage", absent)
    sys.modules["coverage"] = None  # type: ignore[assignment]  # how Python itself marks a module as not importable
    try:
        yield
    finally:
        if before is absent:
            del sys.modules["coverage"]
        else:
            sys.modules["coverage"] = before


with _folder_hidden():
    import numba


def njit(function: Function) -> Function:
    """Compile a function on first use, keep the machine code on disk, and let other threads run meanwhile.

    Without fastmath: the order of floating-point operations is what makes a kernel equal its slow twin.
    """
    return cast("Function", numba.njit(cache=True, nogil=True)(function))
