"""A town of four square areas whose every figure on the map can be checked by hand.

::

    north  | empty        2 km x 2 km each. West, east and north have ten cells of ten people; in the empty area
    -------+-------       nobody lives. Of the people of "care", 80 % are served in the west (exactly on a threshold),
    west   | east         50 % in the east and all in the north.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from withinreach.analysis import Result
from withinreach.maps.shapes import Degrees
from withinreach.measures import coverage_figures, ledger
from withinreach.model import Areas, Audit, Case, Places, Step
from withinreach.preparation.accounts import Accounts
from withinreach.preparation.census import no_factors
from withinreach.preparation.people import masked_table
from withinreach.preparation.streets import build_network
from withinreach.reach import Reach, Status
from withinreach.study import Study

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from withinreach.study import Service

CRS = "EPSG:4547"
ORIGIN = np.array([490_000.0, 3_905_000.0])
SIDE_M = 2000.0
HOSTILE = "</script><img src=x onerror=alert(1)>${alert(2)}`\u2028"
CARE_M, CLINIC_M = 810.0, 900.0


def measured_town(language: str = "zh", *, times: int = 1, **study: object) -> Result:
    """The town as a result, with so many times the people; other keywords replace fields of the study."""
    case = _case(_study(language, **study), times)
    services = case.study.services
    status = {"care": _care_status(), "clinic": np.full(len(case.people), Status.SERVED, np.int8)}
    reaches = {name: _reach(case, service, status[name]) for name, service in services.items()}
    figures = {name: coverage_figures(case, reach, reach) for name, reach in reaches.items()}
    return Result(
        case=case,
        own_reaches=reaches,
        reaches=reaches,
        tables={name: one.table for name, one in figures.items()},
        totals={name: one.total for name, one in figures.items()},
        ledgers={name: ledger(case, reach) for name, reach in reaches.items()},
    )


def _study(language: str, **changes: object) -> Study:
    fields: dict[str, object] = {
        "name": "town",
        "title": f"小镇 {HOSTILE}",
        "language": language,
        "metric_crs": CRS,
        "as_of": "2025-06-30",
        "notice": f"示例数据·非真实 {HOSTILE}",
        "producer": HOSTILE,
        "areas": {"path": "areas.geojson", "datum": "wgs84"},
        "network": {"path": "streets.geojson", "datum": "wgs84"},
        "population": {
            "datum": "wgs84",
            "as_of": "2020-11-01",
            "groups": {
                "old": {"title": "60岁及以上", "parts": [{"path": "people.tif"}]},
                "all": {"title": "常住人口", "parts": [{"path": "people.tif"}]},
            },
        },
        "facilities": [
            {
                "path": "facilities.csv",
                "datum": "wgs84",
                "kind_column": "kind",
                "kinds": {"a": "elder_institution", "b": "clinic"},
                "attributes": {"beds": "beds"},
            }
        ],
        "profiles": {"slow": {"title": "老年人", "speed_m_s": 0.9, "source": "x"}, "adult": _ADULT},
        "services": {
            "care": {
                "name": "care",
                "title": "养老",
                "kinds": ["elder_institution"],
                "people": "old",
                "cutoff_min": 15,
                "profile": "slow",
                "capacity": "beds",
                "capacity_title": "床位",
                "norm": {"per_1000": 400, "of": "old", "source": "x"},
            },
            "clinic": {
                "name": "clinic",
                "title": "诊所",
                "kinds": ["clinic"],
                "people": "all",
                "cutoff_min": 15,
                "profile": "adult",
            },
        },
    }
    return Study.model_validate(fields | changes)


_ADULT = {"title": "成人", "speed_m_s": 1.0, "source": "x"}


def _case(study: Study, times: int) -> Case:
    cells = _cells()
    people = pd.DataFrame({"old": np.full(len(cells), 10.0 * times), "all": np.full(len(cells), 40.0 * times)})
    accounts = Accounts(list(people), list(_areas()["code"]))
    areas = np.repeat(np.arange(3, dtype=np.int32), 10)
    accounts.enter(Step.READ, people, areas)
    accounts.enter(Step.IN_AREAS, people, areas)
    for step in (Step.READ, Step.OUTSIDE_AREAS):
        accounts.enter_outside(step, pd.Series(7.0, people.columns))
    return Case(
        study=study,
        network=build_network(_streets()),
        facilities=_places(_facilities(), np.array([0, 1, 2, -1, 0], np.int32), _FACILITY_XY),
        people=_places(people, np.repeat(np.arange(3, dtype=np.int32), 10), cells),
        areas=Areas(_areas()),
        water=gpd.GeoDataFrame(geometry=_water(), crs=CRS),
        cell_size_m=(100.0, 100.0),
        audit=Audit(findings=pd.DataFrame(), accounts=accounts.table(), factors=no_factors(), masked=masked_table(())),
    )


def _areas() -> gpd.GeoDataFrame:
    corners = [(0, 0), (1, 0), (0, 1), (1, 1)]
    squares = [
        shapely.box(*(ORIGIN + np.array(corner) * SIDE_M), *(ORIGIN + (np.array(corner) + 1) * SIDE_M))
        for corner in corners
    ]
    names = ["西区", "东区", f"北区{HOSTILE}", "空区"]
    codes = ["410701", "410702", "410703", "410704"]
    return gpd.GeoDataFrame({"code": codes, "name": names}, geometry=squares, crs=CRS)


def _cells() -> NDArray[np.float64]:
    """Ten cells in a row of two in the middle of the west, the east and the north."""
    column, row = np.meshgrid(np.arange(5), np.arange(2))
    block = np.column_stack([column.ravel(), row.ravel()]) * 100.0 + 750.0
    return ORIGIN + np.concatenate([block, block + np.array([SIDE_M, 0]), block + np.array([0, SIDE_M])])


_FACILITY_XY = ORIGIN + np.array([[950.0, 300], [3000, 300], [950, 2400], [5000, 1000], [1500, 1500]])


def _facilities() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "id": ["H1", "H2", "H3", "H4", HOSTILE],
            "status": [None] * 5,
            "kind": ["elder_institution", "elder_institution", "elder_institution", "elder_institution", "clinic"],
            "name": [HOSTILE, "东院", "北院", "界外院", "诊所一"],
            "file": "facilities.csv",
            "row": np.arange(5) + 2,
            "beds": [20.0, np.nan, 16.0, 30.0, np.nan],
        }
    )


def _places(table: pd.DataFrame, area: NDArray[np.int32], xy: NDArray[np.float64]) -> Places:
    lonlat = Degrees(CRS).of(xy)
    nothing = np.zeros(len(xy), np.int64)
    table = table.assign(lon=lonlat[:, 0], lat=lonlat[:, 1])
    return Places(table, xy, area, np.zeros(len(xy), np.int32), nothing, nothing)


def _streets() -> NDArray[np.object_]:
    """A grid of 500 m over the town, with a bend in the first street."""
    steps = np.arange(0, 2 * SIDE_M + 1, 500)
    lines = []
    for across in steps:
        for start in steps[:-1]:
            lines.append(shapely.LineString(ORIGIN + np.array([[start, across], [start + 500, across]])))
            lines.append(shapely.LineString(ORIGIN + np.array([[across, start], [across, start + 500]])))
    lines.append(shapely.LineString(ORIGIN + np.array([[0.0, 0], [-300, -40], [-600, -300]])))
    return np.array(lines, dtype=object)


def _water() -> list[shapely.Geometry]:
    middle = shapely.Point(ORIGIN + 3000)
    lake, island = middle.buffer(300), middle.buffer(100)
    return [shapely.difference(lake, island), shapely.LineString(ORIGIN + np.array([[0.0, 1900], [4000, 2100]]))]


def _care_status() -> NDArray[np.int8]:
    west = [Status.SERVED] * 8 + [Status.TOO_FAR, Status.NOT_CONNECTED]
    east = [Status.SERVED] * 5 + [Status.TOO_FAR] * 4 + [Status.NOT_SNAPPED]
    return np.array(west + east + [Status.SERVED] * 10, np.int8)


def _reach(case: Case, service: Service, status: NDArray[np.int8]) -> Reach:
    """Served cells at the limit to the millimetre, the first too far by a millimetre, no way for the rest."""
    limit_m = CARE_M if service.name == "care" else CLINIC_M
    level_m = np.select([status == Status.SERVED, status == Status.TOO_FAR], [limit_m, limit_m + 0.001], np.inf)
    speed_m_s = case.study.profiles[service.profile].speed_m_s
    nearest = np.where(np.isinf(level_m), -1, case.facility_rows(service.kinds)[0])
    return Reach(service, level_m, level_m / speed_m_s, nearest.astype(np.int32), status)
