"""What the kernels accept: the checks that stand before compiled code, where a wrong index would corrupt memory."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import DTypeLike, NDArray

MAX_COORDINATE_M = 1e9
MAX_MM = 2**59


def as_array(
    name: str, values: NDArray[Any], dtype: DTypeLike, shape: tuple[int | None, ...] = (None,)
) -> NDArray[Any]:
    """A contiguous, read-only view of an array, or a copy where its layout or type needs one.

    Read-only without exception, because numba compiles a function once more for every mixture of writeable and
    read-only arguments.

    Parameters
    ----------
    name
        How the error calls the array.
    dtype
        What the kernel was written for; the values must fit without loss.
    shape
        Required length of each axis, None where any will do.

    Raises
    ------
    ValueError
        For another number of axes, another length, or a type that does not fit.
    """
    array = np.asarray(values)
    if array.ndim != len(shape) or any(
        want is not None and want != got for want, got in zip(shape, array.shape, strict=True)
    ):
        wanted = ", ".join("any" if want is None else str(want) for want in shape)
        raise ValueError(f"{name} must have shape ({wanted}), not {array.shape}")
    if not np.can_cast(array.dtype, dtype, "safe"):
        raise ValueError(f"{name} must be {np.dtype(dtype)}, not {array.dtype}")
    view = np.ascontiguousarray(array, dtype).view()
    view.flags.writeable = False
    return view


def as_coordinates(name: str, values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Check points, shape (k, 2), metres in a projected CRS.

    Raises
    ------
    ValueError
        Also where a coordinate is NaN, infinite or too large to be metres on the Earth.
    """
    points = as_array(name, values, np.float64, (None, 2))
    if points.size and not (points.min() >= -MAX_COORDINATE_M and points.max() <= MAX_COORDINATE_M):
        bad = int(np.flatnonzero(~(np.abs(points) <= MAX_COORDINATE_M).all(axis=1))[0])
        raise ValueError(f"{name} row {bad} is {points[bad].tolist()}: not a position in metres; leave it out first")
    return points


def as_pointers(name: str, values: NDArray[np.int64], total: int) -> NDArray[np.int64]:
    """Check the row pointers of a CSR layout, shape (rows + 1,): from 0 to ``total``, never descending.

    Raises
    ------
    ValueError
        If they are anything else.
    """
    pointers = as_array(name, values, np.int64)
    if not (len(pointers) and pointers[0] == 0 and pointers[-1] == total and (pointers[1:] >= pointers[:-1]).all()):
        raise ValueError(f"{name} must ascend from 0 to {total}")
    return pointers


def as_indices(
    name: str, values: NDArray[np.int32], count: int, *, lowest: int = 0, length: int | None = None
) -> NDArray[np.int32]:
    """Check indices into something that has ``count`` rows, shape (k,).

    Raises
    ------
    ValueError
        Where one is below ``lowest`` or not below ``count``.
    """
    indices = as_array(name, values, np.int32, (length,))
    if len(indices) and not (indices.min() >= lowest and indices.max() < count):
        raise ValueError(f"{name} must be in {lowest}..{count - 1}")
    return indices


def as_lengths(name: str, values: NDArray[np.int64], *, length: int | None = None) -> NDArray[np.int64]:
    """Check lengths in whole millimetres, shape (k,).

    Raises
    ------
    ValueError
        Where one is negative, or so large that sums could overflow.
    """
    lengths = as_array(name, values, np.int64, (length,))
    if len(lengths) and not (lengths.min() >= 0 and lengths.max() < MAX_MM):
        raise ValueError(f"{name} must be in 0..{MAX_MM - 1} mm")
    return lengths
