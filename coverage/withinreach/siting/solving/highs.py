"""Mixed-integer programmes, passed to HiGHS as arrays (Huangfu & Hall 2018, https://doi.org/10.1007/s12532-017-0130-5).

One thread and a fixed seed: the same programme gives the same answer, unless a time limit cuts it short.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, NamedTuple

import highspy
import numpy as np

from withinreach.siting.solving.answers import Status

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from scipy.sparse import csr_array

# HiGHS calls an answer optimal at a gap of 1e-4 by default: a thousand people of ten million.
GAP = 0.0
TOLERANCE = 1e-9
LEAST_LIMIT_S = 0.01
OFF = False
# HiGHS looks at its clock between steps, the longest of which is presolve. Measured with 260,000 entries: 3 to 7 s.
STEP_S_PER_ENTRY = 2e-5


class Programme(NamedTuple):
    """Minimise ``cost @ value`` where ``low <= value <= high`` and ``row_low <= rows @ value <= row_high``.

    Attributes
    ----------
    cost, low, high : (n,) float64
    whole : (n,) bool
        Columns that must be whole numbers.
    rows : (m, n) csr_array
    row_low, row_high : (m,) float64
    """

    cost: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    whole: NDArray[np.bool_]
    rows: csr_array
    row_low: NDArray[np.float64]
    row_high: NDArray[np.float64]


class Solved(NamedTuple):
    """What HiGHS found.

    Attributes
    ----------
    value : (n,) float64 or None
        The best answer; None if there is none, or none was found in time.
    bound : float
        No answer costs less; -inf where nothing is known.
    status : Status
    """

    value: NDArray[np.float64] | None
    bound: float
    status: Status


class _Silent(highspy.Highs):
    """HiGHS greets on standard output as soon as its callbacks are enabled, where our JSON goes."""

    def enableCallbacks(self) -> None:  # noqa: N802
        self.setOptionValue("output_flag", OFF)
        super().enableCallbacks()  # type: ignore[no-untyped-call]


def minimise(programme: Programme, *, start: NDArray[np.float64] | None, until: float) -> Solved:
    """Solve a programme.

    Parameters
    ----------
    start
        An answer to begin with, possibly NaN in columns that follow from the others.
    until
        When to stop, by `time.monotonic`.

    Raises
    ------
    RuntimeError
        If HiGHS fails, which it does for no programme of ours that is known.
    """
    solver = _Silent()  # type: ignore[no-untyped-call]
    for option, value in (
        ("output_flag", OFF),
        ("threads", 1),
        ("parallel", "off"),
        ("random_seed", 0),
        ("mip_rel_gap", GAP),
        ("mip_abs_gap", 0.0),
        ("mip_feasibility_tolerance", TOLERANCE),
        ("primal_feasibility_tolerance", TOLERANCE),
    ):
        solver.setOptionValue(option, value)
    if _pass(solver, programme) == highspy.HighsStatus.kError:
        raise RuntimeError("HiGHS does not accept the programme")
    if start is not None:
        known = np.flatnonzero(~np.isnan(start)).astype(np.int32)
        solver.setSolution(len(known), known, start[known])
    _limit(solver, until)
    if solver.run() == highspy.HighsStatus.kError and not _run_again(solver, until):
        raise RuntimeError(f"HiGHS ended with: {solver.modelStatusToString(solver.getModelStatus())}")
    solved = _solved(solver, programme)
    if start is not None and solved.value is not None and _misread(solver, programme, solved.value):
        return minimise(programme, start=None, until=until)
    return solved


def _limit(solver: highspy.Highs, until: float) -> None:
    if np.isfinite(until):
        solver.setOptionValue("time_limit", max(LEAST_LIMIT_S, until - time.monotonic()))


def _run_again(solver: highspy.Highs, until: float) -> bool:
    """Solve without presolve; HiGHS 1.16 ends with an error where presolve and solver differ at their tolerances."""
    solver.clearSolver()
    solver.setOptionValue("presolve", "off")
    _limit(solver, until)
    return solver.run() != highspy.HighsStatus.kError


def _misread(solver: highspy.Highs, programme: Programme, value: NDArray[np.float64]) -> bool:
    """Whether HiGHS took the start for better than it is.

    Where presolve drops columns that the start uses, HiGHS 1.16 may tell a wrong objective of what is left of it, and
    then close cases that hold better answers; in the end it has nothing that is as good as it says.
    """
    told, real = solver.getInfo().objective_function_value, float(programme.cost @ value)
    return abs(told - real) > 1e-6 * max(1.0, abs(real))


def steps_fit(entries: int, until: float) -> bool:
    """Whether the first steps of HiGHS, in which no limit stops it, fit into the time."""
    return entries * STEP_S_PER_ENTRY <= until - time.monotonic()


def _pass(solver: highspy.Highs, programme: Programme) -> highspy.HighsStatus:
    rows = programme.rows
    return solver.passModel(
        rows.shape[1],
        rows.shape[0],
        rows.nnz,
        0,
        int(highspy.MatrixFormat.kRowwise),
        0,
        int(highspy.ObjSense.kMinimize),
        0.0,
        programme.cost,
        programme.low,
        programme.high,
        programme.row_low,
        programme.row_high,
        rows.indptr.astype(np.int32),
        rows.indices.astype(np.int32),
        rows.data.astype(np.float64),
        np.zeros(0, np.int32),
        np.zeros(0, np.int32),
        np.zeros(0),
        programme.whole.astype(np.int32),
    )


def _solved(solver: highspy.Highs, programme: Programme) -> Solved:
    model_status, info = solver.getModelStatus(), solver.getInfo()
    found = info.primal_solution_status == highspy.SolutionStatus.kSolutionStatusFeasible
    value = np.array(solver.getSolution().col_value) if found else None
    if model_status == highspy.HighsModelStatus.kInfeasible:
        return Solved(None, np.inf, Status.INFEASIBLE)
    mixed = bool(programme.whole.any())
    if model_status in (highspy.HighsModelStatus.kOptimal, highspy.HighsModelStatus.kModelEmpty):
        # The dual bound may be one that was not looked at again once the tree of cases was empty.
        return Solved(value, info.objective_function_value, Status.OPTIMAL)
    if model_status != highspy.HighsModelStatus.kTimeLimit:
        raise RuntimeError(f"HiGHS ended with: {solver.modelStatusToString(model_status)}")
    return Solved(value, info.mip_dual_bound if mixed else -np.inf, Status.TIME_LIMIT)
