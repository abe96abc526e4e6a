"""Circle against walk: whoever is served lives in the circle, on any streets."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import cdist

import withinreach as wr
from test_invariants import streets
from test_isochrones import rebuilt, sample, town_case  # noqa: F401
from withinreach.measures.circle import in_circle
from withinreach.preparation.snapping import snap_places
from withinreach.reach import measure_reach

anywhere = st.tuples(st.floats(-50, 1250), st.floats(-50, 1250))


@settings(max_examples=150, deadline=None)
@given(
    streets,
    st.lists(anywhere, min_size=1, max_size=3),
    st.lists(anywhere, min_size=6, max_size=6),
    st.floats(1, 3),
    st.sampled_from([None, 1.0, 1.3]),
)
def test_whoever_is_served_lives_in_the_circle(town_case, streets, facilities, homes, uphill, detour):  # noqa: F811
    case = rebuilt(town_case, streets, facilities, uphill)
    study = case.study
    study = study.model_copy(update={"network": study.network.model_copy(update={"fallback_detour": detour})})
    xy = np.array(homes)
    segment, offset_mm, access_mm = snap_places(case.network, xy, 300.0)
    people = replace(case.people, xy=xy, segment=segment, offset_mm=offset_mm, access_mm=access_mm)
    case = replace(case, study=study, people=people)
    service = study.services["elder_care"]
    reach = measure_reach(case, service)
    # also with a cutoff that somebody's way fits exactly
    exact = service.model_copy(
        update={"cutoff_min": max(0.1, reach.seconds[np.isfinite(reach.seconds)].max(initial=6)) / 60}
    )
    for asked in (service, exact):
        assert in_circle(case, asked)[measure_reach(case, asked).covered].all()


def test_the_circle_is_that_of_every_facility_snapped_or_not(sample):  # noqa: F811
    for service in sample.study.services.values():
        straight_m = cdist(sample.people.xy, sample.facilities.xy[sample.facility_rows(service.kinds)]).min(axis=1)
        radius_m = service.cutoff_s * sample.study.profiles[service.profile].speed_m_s
        clear = np.abs(straight_m - radius_m) > 0.01
        np.testing.assert_array_equal(in_circle(sample, service)[clear], (straight_m <= radius_m)[clear])
        assert in_circle(sample, service)[measure_reach(sample, service).covered].all()


def test_no_share_of_the_sample_is_above_its_circle(sample):  # noqa: F811
    result = wr.analyse(sample)
    for table in result.tables.values():
        assert (table["served_people"] <= table["circle_people"]).all()
        assert (table["served_of_circle"].dropna() <= 1).all()
        assert (table["circle_people"] <= table["people"]).all()
    assert result.totals["clinic"]["circle_people"] == pytest.approx(result.tables["clinic"]["circle_people"].sum())


def test_nobody_lives_in_a_circle_of_no_facility(town):
    path = town.parent / "facilities.csv"
    path.write_text("\n".join(path.read_text(encoding="utf-8-sig").splitlines()[:3]) + "\n", encoding="utf-8-sig")
    table = wr.analyse(wr.prepare(wr.load_study(town))).table("clinic")
    assert table["circle_people"].tolist() == [0, 0]
    assert table["circle_coverage"].tolist() == [0, 0]
    assert table["served_of_circle"].isna().all()
