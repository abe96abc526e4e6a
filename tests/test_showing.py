"""Values in a notebook: figures that can be checked by hand, every text as text, pictures of bounded size."""

from __future__ import annotations

import base64
import re
import xml.etree.ElementTree as ET
from html.parser import HTMLParser
from importlib.resources import files

import numpy as np
import pytest
import shapely

import withinreach as wr
from browsing import Watched
from conftest import write_town
from map_town import measured_town
from withinreach.maps.palette import palette_script
from withinreach.showing import FACILITY, GAIN, SITE, STREET, Column, Dots, Sketch, picture, table, text, whole
from withinreach.showing.cards import SHOWN_ROWS
from withinreach.showing.classes import COVERAGE_FILLS
from withinreach.showing.sketch import svg
from withinreach.showing.words import WORDS

SVG = "{http://www.w3.org/2000/svg}"
HOSTILE = "<script>x()</script>&\"'"
KINDS = ("case", "result", "plan", "scenario", "comparison", "judgement")


class Reader(HTMLParser):
    """Elements, attributes and rows of a card as a browser would read them."""

    def __init__(self, card: str) -> None:
        super().__init__()
        self.elements: list[str] = []
        self.attributes: set[str] = set()
        self.pictures: list[str] = []
        self.rows: list[list[str]] = []
        self.words = ""
        self.inside = False
        self.feed(card)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.elements.append(tag)
        self.attributes |= {name for name, _ in attrs}
        if tag == "img":
            kind, coded = dict(attrs)["src"].split(",")
            assert kind == "data:image/svg+xml;base64"
            self.pictures.append(base64.b64decode(coded).decode())
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")
            self.inside = True

    def handle_endtag(self, tag):
        self.inside = self.inside and tag not in ("td", "th")

    def handle_data(self, data):
        self.words += data
        if self.inside:
            self.rows[-1][-1] += data


@pytest.fixture(scope="module")
def hostile(tmp_path_factory):
    """Every value that shows itself, of a town whose names want to be scripts."""
    folder = tmp_path_factory.mktemp("hostile")
    study = write_town(folder)
    areas = folder / "areas.geojson"
    areas.write_text(areas.read_text(encoding="utf-8").replace("西区", HOSTILE.replace('"', '\\"')), encoding="utf-8")
    facilities = folder / "facilities.csv"
    named = '"' + HOSTILE.replace('"', '""') + '"'
    facilities.write_text(facilities.read_text(encoding="utf-8-sig").replace("丙诊所", named), encoding="utf-8-sig")
    told = study.read_text(encoding="utf-8").replace('title = "养老"', f"title = '''{HOSTILE}'''")
    study.write_text('registers = ["xinxiang-2025"]\n' + told, encoding="utf-8")
    case = wr.prepare(wr.load_study(study))
    now = wr.analyse(case)
    plan = wr.site(now, "elder_care", new=1, candidates="nodes:10", rules=wr.Rules(places=5))
    scenario = plan.scenario(HOSTILE)
    values = (case, now, plan, scenario, wr.compare(now, scenario), wr.judge(now))
    return dict(zip(KINDS, values, strict=True))


@pytest.mark.parametrize("kind", KINDS)
def test_text_is_shown_as_text(hostile, kind):
    card = Reader(hostile[kind]._repr_html_())
    assert set(card.elements) <= {"div", "span", "table", "thead", "tbody", "tr", "th", "td", "img"}
    assert card.attributes <= {"style", "src", "alt"}
    assert kind == "judgement" or HOSTILE in card.words
    for text_of_picture in card.pictures:
        assert all("script" not in element.tag for element in ET.fromstring(text_of_picture).iter())


def test_names_in_the_picture_are_text(hostile):
    (drawn,) = Reader(hostile["case"]._repr_html_()).pictures
    assert HOSTILE in [element.text for element in ET.fromstring(drawn).iter(f"{SVG}text")]


def test_a_browser_shows_the_pictures_and_runs_nothing(hostile, browser, tmp_path):
    page = tmp_path / "cards.html"
    cards = "".join(value._repr_html_() for value in hostile.values())
    page.write_text(f'<meta charset="utf-8"><link rel="icon" href="data:,">{cards}', encoding="utf-8")
    watched = Watched(browser.new_page())
    watched.page.goto(page.as_uri())
    widths = watched.page.evaluate("Array.from(document.images, (image) => image.naturalWidth)")
    assert len(widths) >= 4
    assert all(widths)
    watched.check(page)


def test_a_result_shows_coverage_per_area_and_service():
    town = measured_town()
    rows = Reader(town._repr_html_()).rows
    services = [service.title for service in town.case.study.services.values()]
    assert rows[0] == ["区域", *services]
    # 8 of 10, 5 of 10, 10 of 10 cells of ten people; nobody in the empty area. Clinics serve everybody.
    assert [row[1:] for row in rows[1:]] == [
        [f"{23 / 30:.1%}", "100.0%"], ["80.0%", "100.0%"], ["50.0%", "100.0%"], ["100.0%", "100.0%"], ["—", "—"]
    ]  # fmt: skip


def test_areas_of_a_result_have_the_colour_of_their_class():
    drawn = ET.fromstring(Reader(measured_town()._repr_html_()).pictures[0])
    fills = [element.get("fill") for element in drawn.iter(f"{SVG}path") if element.get("fill-rule")]
    assert fills == [COVERAGE_FILLS[at] for at in (2, 0, 3, -1)]


def test_a_case_shows_people_facilities_and_findings(hostile):
    told = {row[0]: row[1] for row in Reader(hostile["case"]._repr_html_()).rows if row}
    # 100 + 50 + 80 + 40 + 10 + 5 people; the island and the cell far from any street are in the areas, too.
    assert told["常住人口"] == "285"
    assert told["诊所 · open facilities"] == "1"
    assert told[f"{HOSTILE} · open facilities"] == "2"


def test_a_plan_shows_its_site_and_its_proof(hostile):
    # The crossing at the south end serves the 30 who live there, and no other place serves more.
    plan, card = hostile["plan"], Reader(hostile["plan"]._repr_html_())
    assert card.rows[1] == ["1", "open", plan.sites["name"].iloc[0], HOSTILE, "30", "5", "—"]
    assert f"people served: {plan.certificate.objective:g}" in card.words
    assert f"best bound {plan.certificate.bound:g}" in card.words


def test_a_comparison_shows_who_gains(hostile):
    card = Reader(hostile["comparison"]._repr_html_())
    assert card.rows[1] == [HOSTILE, HOSTILE, "30", "0", "—", "—"]
    assert "Unchanged: 诊所" in card.words
    (drawn,) = card.pictures
    assert GAIN in drawn


def test_a_scenario_shows_every_change():
    scenario = wr.Scenario(
        title="all",
        open=[{"kind": "clinic", "name": "new", "at": (113.9, 35.3), "cost": 5e4}],
        close=[{"id": "A"}],
        resize=[{"id": "B", "capacity": 40}],
        move=[{"id": "C", "to": (113.8, 35.2)}],
        link=[{"title": "bridge", "line": [(113.9, 35.3), (113.91, 35.3)]}],
        block=[{"at": (113.9, 35.3)}],
        population={"factors": {"age_60_plus": 1.2}},
        walking={"clinic": "wheelchair"},
        profiles={"slow": {"title": "slow", "speed_m_s": 0.5, "source": "test"}},
    )
    rows = Reader(scenario._repr_html_()).rows[1:]
    changes = ["open", "close", "resize", "move", "link", "block", "population", "profile", "walking"]
    assert [row[0] for row in rows] == changes
    assert rows[0] == ["open", "clinic", "new", "113.90000, 35.30000", "—", "50,000"]


def test_a_judgement_counts_every_target(hostile):
    judged, card = hostile["judgement"], Reader(hostile["judgement"]._repr_html_())
    assert [int(n) for n in card.rows[1][1:]] == judged.counts().loc["xinxiang-2025"].tolist()


def test_rows_that_are_left_out_are_counted():
    columns = (Column("n", whole),)
    told = Reader(table(columns, [(n,) for n in range(SHOWN_ROWS + 7)], "{count} more"))
    assert len(told.rows) == 1 + SHOWN_ROWS
    assert told.words.endswith("7 more")


def test_the_unknown_is_a_dash():
    assert text(None) == text(float("nan")) == whole(float("nan")) == whole(float("inf")) == "—"
    assert whole(0.0) == "0"


def drawn_paths(sketch: Sketch) -> list[str]:
    return [element.get("d") for element in ET.fromstring(svg(sketch)).iter(f"{SVG}path")]


def test_a_sketch_has_north_above_and_east_to_the_right():
    square = shapely.box(0, 0, 100, 100)
    corners = np.array([[0.0, 0.0], [100.0, 100.0]])
    _, dots = drawn_paths(Sketch(np.array([square]), ["#fff"], dots=(Dots(corners),)))
    spots = [[int(number) for number in pair] for pair in re.findall(r"M(\d+) (\d+)h0", dots)]
    (west, south), (east, north) = sorted(spots)
    # 205 px with a margin of 6 px; a dot stands in the middle of its square of 2.4 px.
    assert (west, east) == pytest.approx((60, 1990), abs=24)
    assert (north, south) == pytest.approx((60, 1990), abs=24)


def test_a_sketch_keeps_holes():
    (path,) = drawn_paths(
        Sketch(np.array([shapely.Point(0, 0).buffer(100) - shapely.Point(0, 0).buffer(50)]), ["#fff"])
    )
    assert path.count("M") == path.count("z") == 2


def test_a_sketch_stays_small_whatever_the_case_holds():
    rng = np.random.default_rng(1)
    shore = shapely.Point(0, 0).buffer(50_000, quad_segs=50_000)
    anywhere = rng.uniform(-50_000, 50_000, (300_000, 2))
    many, few = (
        len(picture(Sketch(np.array([shore] * 20), ["#fff"] * 20, dots=(Dots(anywhere[:n], size_px=3.0),))))
        for n in (300_000, 30_000)
    )
    assert few <= many < 120_000


def test_places_that_cannot_be_drawn_are_left_to_the_table():
    nothing = np.zeros((0, 2))
    assert len(drawn_paths(Sketch(np.array([shapely.box(0, 0, 1, 1)]), ["#fff"], dots=(Dots(nothing),)))) == 1


def test_cards_have_the_colours_of_the_maps():
    assets = files("withinreach.maps") / "assets"
    script = palette_script() + (assets / "sites.js").read_text(encoding="utf-8")
    found = re.search(r"COVERAGE_COLOURS = \[(.*?)\]", script)
    assert re.findall(r'"(#\w+)"', found[1]) == list(COVERAGE_FILLS[:-1])
    for name, colour in {"FACILITY": FACILITY, "SITE": SITE, "GAINED": GAIN, "STREET": STREET}.items():
        assert f'const {name} = "{colour}";' in script


def test_every_word_is_there_in_both_languages():
    assert WORDS["zh"].keys() == WORDS["en"].keys()
    for name, zh in WORDS["zh"].items():
        assert set(re.findall(r"\{(\w+)\}", zh)) == set(re.findall(r"\{(\w+)\}", WORDS["en"][name])), name


def test_an_examination_shows_problems_first_and_every_rule_once(town):
    (town.parent / "people.csv").write_text("x,y\n1,2\n", encoding="utf-8")
    found = wr.examine(wr.load_study(town))
    card = Reader(found._repr_html_())
    assert all(problem in card.words for problem in found.problems)
    assert sorted(row[1] for row in card.rows[1:]) == sorted(set(found.findings["rule"]))
    gravity = [("errors", "warnings", "notes").index(row[0]) for row in card.rows[1:]]
    assert gravity == sorted(gravity)
    assert sum(int(row[2]) for row in card.rows[1:]) == len(found.findings)


def test_what_is_missing_shows_pockets_and_links(town):
    missing = wr.explain_gaps(wr.analyse(wr.prepare(wr.load_study(town))), "clinic", longest_m=600)
    card = Reader(missing._repr_html_())
    pockets = [row for row in card.rows if len(row) == 5][1:]
    assert [row[0] for row in pockets] == [f"{people:,.0f}" for people in missing.pockets["people"]]
    # The island of ten people has no way to the clinic, and five live far from any street.
    assert {(row[0], row[1]) for row in pockets} >= {("10", "no connection"), ("5", "no street")}
    assert len([row for row in card.rows if len(row) == 3][1:]) == len(missing.links)


def test_walks_to_a_facility_are_drawn_within_its_circle(town):
    """From A1 at the end of the High Street people walk 1 m/s; the ground lies in the circle, as every walk does."""
    case = wr.prepare(wr.load_study(town))
    sketch = wr.sketch_walks(case, "elder_care", "A1", minutes=(2, 5))
    frame, five, two = sketch.shapes
    streets, circle = (one.lines for one in sketch.lines)
    ring = shapely.Polygon(circle[0])
    assert ring.area == pytest.approx(np.pi * 300**2, rel=0.01)
    assert two.area < five.area < ring.area
    # Outlines lie between points of a lattice.
    assert five.difference(ring.buffer(15)).area == 0
    assert frame.contains(shapely.union_all(streets))
    # The High Street and the corner of the street to the south, as far as the frame goes: 345 m from A1.
    assert shapely.length(streets).sum() == pytest.approx(345 + 345, abs=1)
    assert "A1" not in sketch.title
    assert sketch.title.startswith("甲养老院")
    with pytest.raises(wr.CoverageError, match="no open facility of 'elder_care' has the id 'C1'"):
        wr.sketch_walks(case, "elder_care", "C1")
