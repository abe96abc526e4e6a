"""Age bands: how files and columns name them, and what share of each an age group takes."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from withinreach.errors import SourceError, StudyError
from withinreach.study import load_study
from withinreach.study.ages import AgeBand, band_shares, column_band, worldpop_band

quick = settings(max_examples=80, deadline=None)
WORLDPOP = {f"{start:02d}": start for start in (0, 1, *range(5, 95, 5))}


@pytest.mark.parametrize(
    ("name", "sex", "band", "year"),
    [
        ("chn_t_00_2025_CN_100m_R2025A_v1.tif", "t", AgeBand(0, 1), 2025),
        ("chn_t_01_2025_CN_100m_R2025A_v1.tif", "t", AgeBand(1, 5), 2025),
        ("CHN_F_05_2025_CN_100m_R2025A_v1.TIF", "f", AgeBand(5, 10), 2025),
        ("chn_m_80_2025_CN_100m_R2025A_v1.tif", "m", AgeBand(80, 85), 2025),
        ("chn_t_90_2025_CN_100m_R2025A_v1.tif", "t", AgeBand(90), 2025),
        ("chn_f_0_2020.tif", "f", AgeBand(0, 1), 2020),
        ("chn_f_5_2020_constrained.tif", "f", AgeBand(5, 10), 2020),
    ],
)
def test_names_of_worldpop(name, sex, band, year):
    assert worldpop_band(name) == (sex, band, year)


@pytest.mark.parametrize(
    "name", ["chn_pop_2025_CN_100m_R2025A_v1.tif", "chn_t_03_2025.tif", "chn_t_95_2025.tif", "t_60_2025.tif", "a.csv"]
)
def test_other_names_are_no_bands(name):
    assert worldpop_band(name) is None


@pytest.mark.parametrize(
    ("column", "sex", "band"),
    [
        ("男_0岁", "m", AgeBand(0, 1)),
        ("女_1到4岁", "f", AgeBand(1, 5)),
        ("男_85岁以上", "m", AgeBand(85)),
        ("合计_60到64岁", "t", AgeBand(60, 65)),
        ("0-4岁", "t", AgeBand(0, 5)),
        ("0—14岁", "t", AgeBand(0, 15)),
        ("65岁及以上", "t", AgeBand(65)),
        ("age_0_4", "t", AgeBand(0, 5)),
        ("age_60_plus", "t", AgeBand(60)),
        ("ika0_9", "t", AgeBand(0, 10)),
        ("ika_yli80", "t", AgeBand(80)),
    ],
)
def test_names_of_columns(column, sex, band):
    assert column_band(column) == (sex, band)


@pytest.mark.parametrize(
    "column",
    [
        "人口比重_0-14岁",
        "有65岁及以上老年人口的户数",
        "15岁及以上文盲人口",
        "性别比（女=100）",
        "asukkaita",
        "2020",
        "x",
        "9-0岁",
    ],
)
def test_other_columns_are_no_bands(column):
    assert column_band(column) is None


def bands(*starts: int) -> dict[str, tuple[str, AgeBand]]:
    """Bands of both sexes that begin at these ages, the last one open."""
    ends = (*starts[1:], None)
    return {f"b{start}": ("t", AgeBand(start, end)) for start, end in zip(starts, ends, strict=True)}


def test_the_groups_of_the_plan_by_hand():
    worldpop = bands(*WORLDPOP.values())
    assert band_shares(AgeBand(0, 3), worldpop) == {"b0": 1, "b1": 0.5}
    assert band_shares(AgeBand(3, 6), worldpop) == {"b1": 0.5, "b5": 0.2}
    assert band_shares(AgeBand(80), worldpop) == {"b80": 1, "b85": 1, "b90": 1}
    assert band_shares(AgeBand(0), worldpop) == dict.fromkeys(worldpop, 1)


@given(
    starts=st.sets(st.integers(1, 99), max_size=20),
    ages=st.tuples(st.integers(0, 99), st.integers(1, 100)).filter(lambda ages: ages[0] < ages[1]),
)
@quick
def test_shares_are_those_of_single_years(starts, ages):
    """A band of n years has 1/n of its people in each: count them one by one."""
    known = bands(0, *sorted(starts), 100)
    shares = band_shares(AgeBand(*ages), known)
    for name, (_, band) in known.items():
        inside = 0 if band.end is None else sum(ages[0] <= year < ages[1] for year in range(band.start, band.end))
        years = 1 if band.end is None else band.end - band.start
        assert shares.get(name, 0) == pytest.approx(inside / years, rel=1e-12)


def test_women_and_men_count_together_where_nobody_counts_both():
    of_each = {f"{sex}{start}": (sex, band) for sex in "fm" for start, (_, band) in enumerate(bands(0, 60).values())}
    assert band_shares(AgeBand(60), of_each) == {"f1": 1, "m1": 1}
    assert band_shares(AgeBand(60), of_each | bands(0, 60)) == {"b60": 1}


@pytest.mark.parametrize(
    ("ages", "starts", "told"),
    [
        (AgeBand(87), (0, 60, 85), "ages 87+ would split the open band 85+; end the group at 85"),
        (AgeBand(60, 90), (0, 60, 85), "ages 60-89 would split the open band 85+"),
        (AgeBand(0, 3), (1, 5), "ages 0-2: no band holds age 0; there are: 1-4, 5+"),
    ],
)
def test_what_bands_cannot_tell(ages, starts, told):
    with pytest.raises(SourceError) as caught:
        band_shares(ages, bands(*starts))
    assert str(caught.value).startswith(told)


def test_a_missing_band_of_one_sex_is_named():
    of_each = {f"f{start}": ("f", band) for start, (_, band) in bands(0, 60).items()}
    with pytest.raises(SourceError, match="no band of men holds age 60"):
        band_shares(AgeBand(60), of_each)


def test_bands_that_overlap_are_refused():
    with pytest.raises(SourceError, match=r"the bands 60-64 and 60\+ overlap"):
        band_shares(AgeBand(60), {"a": ("t", AgeBand(60, 65)), "b": ("t", AgeBand(60))})


def with_population(town, text: str) -> None:
    study = town.read_text(encoding="utf-8")
    head, rest = study.split("[population]")
    _, tail = rest.split("[[facilities]]", 1)
    town.write_text(f"{head}[population]\nas_of = 2020-11-01\n{text}\n[[facilities]]{tail}", encoding="utf-8")


@pytest.mark.parametrize(("language", "title"), [("en", "Ages 60 and over"), ("zh", "60岁及以上")])
def test_a_folder_of_bands_brings_the_groups_of_the_plan(town, language, title):
    with_population(town, 'datum = "wgs84"\nbands = { path = "worldpop", year = 2025 }')
    town.write_text(town.read_text(encoding="utf-8").replace('"en"', f'"{language}"'), encoding="utf-8")
    groups = load_study(town).population.groups
    assert list(groups) == ["all", "age_0_2", "age_3_5", "age_60_plus", "age_65_plus", "age_80_plus"]
    assert groups["age_60_plus"].title == title


CALIBRATED = """\
datum = "wgs84"
bands = { path = "x" }
[population.calibration]
path = "c.csv"
as_of = 2020-11-01
"""


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('datum = "wgs84"\n[population.groups.all]\ntitle = "x"\nages = [0]', "groups.all has ages but no parts"),
        ('datum = "wgs84"\n[population.groups.all]\ntitle = "x"', "give parts, or ages with population.bands"),
        ('datum = "wgs84"\nbands = { path = "x" }\n[population.groups.all]\ntitle = "x"\nages = [5, 5]', "[from, to)"),
        ('bands = { path = "x" }', "datum is missing; add it"),
        ('datum = "wgs84"\nbands = { path = "x" }\nsuppressed = [99]', "suppressed needs total"),
        (
            f'{CALIBRATED}groups = {{ old = ["x"] }}',
            "calibration: 'old' is no group of the population",
        ),
        (
            f"{CALIBRATED}into = {{ 410771 = {{ 410702 = 0.5, 410721 = 0.4 }} }}",
            "into.410771: the shares add up to 0.9",
        ),
    ],
)
def test_what_a_population_must_say(town, text, told):
    with_population(town, text)
    with pytest.raises(StudyError) as caught:
        load_study(town)
    assert any(told in line for line in caught.value.problems), caught.value
