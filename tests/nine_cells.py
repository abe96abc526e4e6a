"""A town of nine cells and three facilities, small enough to work out every measure by hand.

One street from west to east; the walk is one metre per second, and 600 s are in reach. Metres along the street::

    cell      1        2    3   4        5       6           7              8          9: on an island
              0       300  500 600      900    1200        1600           2400
              |---A----|----|---|---B----|-------|-----------|-C-------------|         =====
    facility     200               800                       1700

Of the 295 people nobody lives in cell 4. A has 63 places and B 20; how many C has nobody knows.

Seconds on foot, and the weight of the zones up to 200, 400 and 600 s (1, 1/2, 1/4)::

    cell   people   to A        to B        to C
     1       30     200 (1)
     2       20     100 (1)     500 (1/4)
     3       40     300 (1/2)   300 (1/2)
     4        0     400 (1/2)   200 (1)
     5       60                 100 (1)
     6       80                 400 (1/2)   500
     7       50                             100
     8       10
     9        5
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from conftest import EAST, NORTH, _box, _features

if TYPE_CHECKING:
    from pathlib import Path

CELLS = [(0, 0, 30), (300, 0, 20), (500, 0, 40), (600, 0, 0), (900, 0, 60), (1200, 0, 80), (1600, 0, 50), (2400, 0, 10)]
ISLAND = (1050, 5000, 5)
FACILITIES = [("A", 200, "63"), ("B", 800, "20"), ("C", 1700, "")]
STREETS = [((0, 0), (2400, 0)), ((900, 5000), (1100, 5000))]


def write_nine_cells(folder: Path) -> Path:
    """The town as files, and the study that reads them. Everybody is old; seven young people live in cell 4."""
    folder.mkdir(parents=True, exist_ok=True)
    units = [
        ({"code": "1", "name": "西"}, _box(-100, -100, 1000, 5100)),
        ({"code": "2", "name": "东"}, _box(1000, -100, 2500, 5100)),
    ]
    (folder / "areas.geojson").write_text(_features(units), encoding="utf-8")
    lines = [({}, {"type": "LineString", "coordinates": [[EAST + x, NORTH + y] for x, y in line]}) for line in STREETS]
    (folder / "streets.geojson").write_text(_features(lines), encoding="utf-8")
    rows = [f"{EAST + x},{NORTH + y},{old if old else 7},{old}" for x, y, old in [*CELLS, ISLAND]]
    (folder / "people.csv").write_text("\n".join(["x,y,all,old", *rows, ""]), encoding="utf-8")
    rows = [f"{name},养老,{name}院,{EAST + x},{NORTH},{beds}" for name, x, beds in FACILITIES]
    (folder / "facilities.csv").write_text("\n".join(["编号,类别,名称,x,y,床位", *rows, ""]), encoding="utf-8-sig")
    (folder / "study.toml").write_text(STUDY, encoding="utf-8")
    return folder / "study.toml"


STUDY = """\
name = "nine-cells"
title = "九格镇"
metric_crs = "EPSG:4547"
as_of = 2025-06-30

[areas]
path = "areas.geojson"
datum = "EPSG:4547"

[network]
path = "streets.geojson"
datum = "EPSG:4547"
snap_cap_m = 300

[population]
datum = "EPSG:4547"
as_of = 2020-11-01
x = "x"
y = "y"

[population.groups.all]
title = "常住人口"
parts = [{ path = "people.csv", column = "all" }]

[population.groups.old]
title = "老年人"
parts = [{ path = "people.csv", column = "old" }]

[[facilities]]
path = "facilities.csv"
datum = "EPSG:4547"
x = "x"
y = "y"
id = "编号"
name = "名称"
kind_column = "类别"
kinds = { "养老" = "elder_care" }
attributes = { beds = "床位" }

[profiles.slow]
title = "慢"
speed_m_s = 1.0
source = "a round figure for checking by hand"

[services.elder_care]
title = "养老"
kinds = ["elder_care"]
people = "old"
cutoff_min = 10
profile = "slow"
capacity = "beds"
norm = { per_1000 = 500, of = "old", source = "invented" }
"""
