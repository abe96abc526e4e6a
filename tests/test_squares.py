"""Squares of a grid, dissolved by owner, against the union of their boxes."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from withinreach.catchments.squares import NOBODY, dissolve

grids = arrays(np.int64, st.tuples(st.integers(1, 8), st.integers(1, 8)), elements=st.integers(NOBODY, 3))


def as_lists(labels):
    row, column = np.indices(labels.shape).reshape(2, -1)
    return column, row, labels.ravel()


@given(grids)
def test_each_owner_has_the_union_of_its_squares(labels):
    column, row, owner = as_lists(labels)
    found, dissolved = dissolve(column, row, owner)
    assert found.tolist() == sorted(set(owner.tolist()) - {NOBODY})
    boxes = shapely.box(column, row, column + 1, row + 1)
    for name, shape in zip(found, dissolved, strict=True):
        assert shape.is_valid
        assert shape.geom_type == "MultiPolygon"
        assert shape.equals(shapely.union_all(boxes[owner == name]))


def test_rings_within_rings_are_holes():
    labels = np.array([[0, 0, 0, 0, 0], [0, 1, 1, 1, 0], [0, 1, 0, 1, 0], [0, 1, 1, 1, 0], [0, 0, 0, 0, 0]])
    _, (outer, ring) = dissolve(*as_lists(labels))
    assert [len(part.interiors) for part in outer.geoms] in ([1, 0], [0, 1])
    assert outer.area == 17
    assert [len(part.interiors) for part in ring.geoms] == [1]
    assert shapely.union(outer, ring).area == 25


@pytest.mark.parametrize("owner", [[], [NOBODY, NOBODY]])
def test_nobody_has_no_ground(owner):
    column = np.arange(len(owner))
    found, dissolved = dissolve(column, column, np.array(owner, np.int64))
    assert len(found) == len(dissolved) == 0
