"""Plates: the right colours, names that do not collide, files that look the same everywhere."""

from __future__ import annotations

import re
import struct
import xml.etree.ElementTree as ET
from dataclasses import replace
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np
import pytest
from click.testing import CliRunner
from matplotlib import font_manager
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import PathCollection
from matplotlib.colors import to_hex

import withinreach as wr
from map_town import HOSTILE, measured_town
from withinreach.cli import cli
from withinreach.errors import StudyError
from withinreach.maps.palette import COVERAGE_COLOURS, UNCOVERED_COLOURS
from withinreach.maps.plates import Atlas, find_typeface, write_differences
from withinreach.maps.plates.fonts import CHINESE
from withinreach.maps.plates.ground import COVERAGE_HATCHES, NO_PEOPLE_FACE, NO_PEOPLE_HATCH
from withinreach.maps.plates.names import Box, Room, Spot, cut_to, text_width_mm, wrapped

if TYPE_CHECKING:
    from matplotlib.patches import PathPatch

    from withinreach.maps.plates import Plate

if not {entry.name for entry in font_manager.fontManager.ttflist} & set(CHINESE):
    pytest.skip("no typeface with Chinese is installed", allow_module_level=True)


@pytest.fixture(scope="module")
def squares():
    return measured_town()


@pytest.fixture(scope="module")
def sample():
    return wr.analyse(wr.sample_case())


def texts(plate: Plate) -> list[str]:
    return [text.get_text() for axes in plate.figure.axes for text in axes.texts]


def ground_faces(plate: Plate) -> list[tuple[str, str | None]]:
    return [(to_hex(patch.get_facecolor()), patch.get_hatch()) for patch in plate.figure.axes[0].patches]


def test_areas_have_the_colour_and_the_hatch_of_their_class(squares):
    # 80 % in the west, exactly on a threshold; 50 %, 100 %, and nobody.
    classes = (2, 0, 3)
    looks = [(COVERAGE_COLOURS[at], COVERAGE_HATCHES[at] or None) for at in classes]
    assert ground_faces(wr.draw_plate(squares, "care"))[:4] == [*looks, (NO_PEOPLE_FACE, NO_PEOPLE_HATCH)]


def test_a_plate_says_what_it_shows_and_where_it_comes_from(squares):
    told = " ".join(texts(wr.draw_plate(squares, "care", "410702")))
    for part in ("养老 · 东区", "覆盖率 50.0%", "未覆盖 50人", "0.9 m/s", "图例", "北", "2025-06-30", "2020-11-01"):
        assert part in told
    for part in ("EPSG:4547", "行政界线仅示意", "示例数据·非真实", "制图单位", "500 米", "≥ 95%"):
        assert part in told


def test_what_reviewers_ask_for_stands_on_the_sheet():
    result = measured_town("zh", map={"review_number": "豫S(2025年)012号", "internal_use": True})
    told = " ".join(texts(wr.draw_plate(result, "care")))
    assert "审图号 豫S(2025年)012号" in told
    assert "内部用图" in told


def test_an_english_study_has_english_plates():
    told = " ".join(texts(wr.draw_plate(measured_town("en"), "care", "410702")))
    for part in ("Legend", "Uncovered 50 people", "Boundaries are schematic", "500 m", "Streets"):
        assert part in told


def test_a_county_shows_its_uncovered_cells_and_no_others(squares):
    def cells(code: str) -> list[PathPatch]:
        drawn = wr.draw_plate(squares, "care", code).figure.axes[0].patches
        return [one for one in drawn if one.get_rasterized()]

    east = cells("410702")
    assert [to_hex(one.get_facecolor()) for one in east] == list(UNCOVERED_COLOURS)
    # Five cells of ten people on a hectare each, 1000 m from the western border.
    corners = np.concatenate([one.get_path().vertices.reshape(-1, 5, 2) for one in east])
    assert len(corners) == 5
    assert (corners[:, :, 0] > 492_000).all()
    assert np.ptp(corners, axis=1).tolist() == [[100, 100]] * 5
    assert sum(len(one.get_path().vertices) for one in cells("410703")) == 0


def test_circles_grow_with_capacity_and_are_hollow_where_it_is_unknown(squares):
    drawn = wr.draw_plate(squares, "care").figure.axes[0].collections
    known, unknown = (one for one in drawn if isinstance(one, PathCollection))
    assert known.get_sizes()[0] < known.get_sizes()[-1]  # 20 beds, 16, and 30 beyond the border
    assert to_hex(unknown.get_facecolor()[0]) == "#ffffff"


def assert_nothing_collides(plate: Plate) -> None:
    """No two texts of the sheet lie over each other, and none is cut off by its edge."""
    renderer = FigureCanvasAgg(plate.figure).get_renderer()
    shown = [(text.get_text(), text.get_window_extent(renderer)) for text in plate.figure.axes[1].texts]
    for (one, a), (other, b) in combinations(shown, 2):
        assert not a.shrunk(0.9, 0.75).overlaps(b.shrunk(0.9, 0.75)), f"{plate.title}: {one!r} over {other!r}"
    for text, box in shown:
        assert box.x0 >= 0, text
        assert box.x1 <= plate.figure.bbox.x1, text
        assert box.y0 >= 0, text


@pytest.mark.parametrize("service", ["elder_care", "nursery"])
def test_names_do_not_collide(sample, service):
    atlas = Atlas(sample)
    for code in (None, *sample.case.areas.table["code"]):
        assert_nothing_collides(atlas.plate(service, code))


def test_no_more_do_those_of_the_longer_english_legend():
    result = measured_town("en", title="Town", notice="Synthetic data", producer="Office")
    for code in (None, *result.case.areas.table["code"]):
        assert_nothing_collides(wr.draw_plate(result, "care", code))


def test_every_area_of_the_sample_is_named_with_its_figure(sample):
    told = texts(wr.draw_plate(sample, "elder_care"))
    table = sample.table("elder_care")
    for name, share in zip(table["name"], table["coverage"], strict=True):
        assert f"{name}\n{share:.1%}" in told


def test_a_difference_shows_who_gains_who_loses_and_what_opens_and_closes(sample, tmp_path):
    plan = wr.site(sample, "elder_care", new=4)
    closed = sample.case.facilities.table["id"].iloc[sample.reaches["elder_care"].nearest[0]]
    opened = plan.scenario("four").open
    metric = sample.case.study.metric_crs
    scenario = wr.Scenario(title="four for one", datum=metric, open=opened, close=[{"id": closed}])
    comparison = wr.compare(sample, scenario)
    change = comparison.changes("four for one")["elder_care_change"]
    plate = Atlas(sample).difference(comparison.outcome("four for one"), "elder_care")
    drawn = [len(one.get_offsets()) for one in plate.figure.axes[0].collections if isinstance(one, PathCollection)]
    assert drawn[0] == (change == "gains").sum() > 0
    assert drawn[1] == (change == "loses").sum() > 0
    assert drawn[-2:] == [4, 1]
    told = " ".join(texts(plate))
    assert " → " in told
    assert "four for one" in told
    one, other = (write_differences(comparison, tmp_path / name) for name in ("one", "other"))
    assert [path.name for path in one] == ["scenario_1_elder_care.png", "scenario_1_elder_care.svg"]
    assert [path.read_bytes() for path in one] == [path.read_bytes() for path in other]


def test_a_difference_needs_people_at_the_same_places(sample):
    moved = replace(sample.case.people, xy=sample.case.people.xy.copy())
    elsewhere = replace(sample, case=replace(sample.case, people=moved))
    outcome = replace(wr.compare(sample, wr.Scenario(title="elsewhere")).outcomes[0], result=elsewhere)
    with pytest.raises(StudyError, match="'elsewhere': its people live at other places"):
        Atlas(sample).difference(outcome, "clinic")


def test_the_same_plate_has_the_same_bytes(squares, tmp_path):
    for suffix in ("png", "svg"):
        first = wr.draw_plate(squares, "care", "410702").save(tmp_path / f"a.{suffix}")
        second = wr.draw_plate(squares, "care", "410702").save(tmp_path / f"b.{suffix}")
        assert first.read_bytes() == second.read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.png", "a.svg", "b.png", "b.svg"]


def test_an_svg_needs_no_typeface_and_nothing_from_outside(squares, tmp_path):
    content = wr.draw_plate(squares, "care", "410702").save(tmp_path / "x.svg").read_text("utf-8")
    root = ET.fromstring(content)  # our own file
    assert not list(root.iter("{http://www.w3.org/2000/svg}text"))
    assert "font-family" not in content
    addresses = [value for node in root.iter() for key, value in node.attrib.items() if key.endswith("href")]
    assert all(value.startswith(("#", "data:image/png")) for value in addresses)
    assert not re.search(r"<dc:date>", content)


def test_a_png_has_300_dots_per_inch_and_shows_itself_in_notebooks(squares):
    content = wr.draw_plate(squares, "care")._repr_png_()
    assert struct.unpack(">II", content[16:24]) == (2007, 1511)  # 170 mm x 128 mm
    assert b"Software" not in content


def test_hostile_and_endless_names_are_drawn_as_text(tmp_path):
    # A warning, as matplotlib gives for a glyph that it lacks, would fail the test.
    result = measured_town(title="𓀀$x^2$\x00" + "长" * 10_000, notice="n" * 10_000, producer=HOSTILE * 100)
    plate = wr.draw_plate(result, "care", "410703")
    plate.save(tmp_path / "x.png")
    assert "</script>" in plate.title
    assert_nothing_collides(plate)
    assert_nothing_collides(wr.draw_plate(result, "care"))


def test_what_no_typeface_has_is_a_box():
    assert find_typeface().drawable("养老\n𓀀\x07 $a$") == "养老 □ $a$"


def test_without_a_chinese_typeface_the_remedy_is_told(monkeypatch):
    monkeypatch.setattr(font_manager.fontManager, "ttflist", [])
    monkeypatch.setattr(font_manager, "findSystemFonts", list)
    with pytest.raises(wr.CoverageError, match=r"apt-get install fonts-noto-cjk") as raised:
        find_typeface.__wrapped__()
    assert len(raised.value.problems) == 1


def test_a_typeface_that_was_just_installed_is_found(monkeypatch):
    here = [entry.fname for entry in font_manager.fontManager.ttflist if entry.name in CHINESE]
    others = [entry for entry in font_manager.fontManager.ttflist if entry.fname not in here]
    monkeypatch.setattr(font_manager.fontManager, "ttflist", others)
    monkeypatch.setattr(font_manager, "findSystemFonts", lambda: here[:1])
    assert find_typeface.__wrapped__().families[0] in CHINESE


def test_unknown_names_and_formats_are_told(squares, tmp_path):
    with pytest.raises(wr.CoverageError, match="no service 'bank'"):
        wr.draw_plate(squares, "bank")
    with pytest.raises(wr.CoverageError, match="no area with code 9"):
        wr.draw_plate(squares, "care", "9")
    with pytest.raises(wr.CoverageError, match=r"'\.gif' is no format of plates"):
        wr.draw_plate(squares, "care").save(tmp_path / "x.gif")


def test_text_is_measured_broken_and_cut():
    assert text_width_mm("养老", 10) == pytest.approx(2 * 10 * 25.4 / 72)
    assert wrapped("床位已知（大小示规模）", text_width_mm("床位已知", 7), 7) == "床位已知\n（大小示\n规模）"
    assert wrapped("two words", 1, 7) == "two\nwords"
    assert cut_to("一二三四五", text_width_mm("一二三", 7), 7) == "一二…"
    assert cut_to("一二三", 100, 7) == "一二三"


def test_a_name_takes_the_first_free_spot():
    room = Room(Box(0, 0, 40, 40), [Box(0, 0, 20, 40)])
    spots = [Spot(10, 20, 0), Spot(30, 20, 0)]
    assert room.claim("养老", 7, iter(spots)) == spots[1]
    assert room.claim("养老", 7, iter(spots)) is None


def test_the_command_writes_one_plate_or_all(town, tmp_path):
    def run(*arguments: object) -> tuple[int, str]:
        done = CliRunner().invoke(cli, ["map", str(town), *map(str, arguments)])
        return done.exit_code, done.output

    assert run("-o", tmp_path / "one.svg", "--service", "clinic", "--county", "2")[0] == 0
    assert (tmp_path / "one.svg").stat().st_size > 10_000
    assert run("-o", tmp_path / "all")[0] == 0
    written = sorted(path.relative_to(tmp_path / "all").as_posix() for path in (tmp_path / "all").rglob("*.*"))
    names = [f"{stem}{service}" for stem in ("", "county/1/1_", "county/2/2_") for service in ("clinic", "elder_care")]
    assert written == sorted(f"{name}.{suffix}" for name in names for suffix in ("png", "svg"))
    for arguments, code, said in (
        (("-o", tmp_path / "x.jpg", "--service", "clinic"), 1, "end the name in .png or .svg"),
        (("-o", tmp_path / "x.png"), 2, "one --service of elder_care, clinic"),
        (("-o", tmp_path / "x.png", "--service", "bank"), 1, "no service 'bank'"),
        (("--county", "1", "--county", "2"), 2, "of one --county"),
        (("--service", "clinic"), 2, "several plates need -o FOLDER"),
    ):
        exit_code, output = run(*arguments)
        assert (exit_code, said in output) == (code, True), output
    assert not (tmp_path / "x.png").exists()


def test_the_command_writes_plates_into_a_folder(town, tmp_path):
    file = tmp_path / "closed.toml"
    file.write_text('title = "closed"\nclose = [{ id = "A1" }]\n', encoding="utf-8")
    done = CliRunner().invoke(cli, ["compare", str(town), str(file), "--map", str(tmp_path / "plates")])
    assert done.exit_code == 0, done.output
    written = {path.name for path in (tmp_path / "plates").iterdir()}
    assert written == {"scenario_1_elder_care.png", "scenario_1_elder_care.svg"}
