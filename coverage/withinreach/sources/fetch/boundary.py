"""Reporting units: the administrative areas one level below a place, or the place itself."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from withinreach.sources.fetch import queries
from withinreach.sources.fetch.elements import Elements, read_features
from withinreach.sources.fetch.place import polygons_of

if TYPE_CHECKING:
    from pathlib import Path

    from shapely import Geometry

    from withinreach.sources.fetch.client import Client
    from withinreach.sources.fetch.place import Place

    Tags = dict[str, str]

# China's code of administrative divisions, also in the editions of the Ministry of Civil Affairs and of the statistics
# bureau; then codes that other countries use for statistics.
CODE_TAGS = ("ref:admin:CN", "ref:admin:CN:mca", "ref:admin:CN:nbs", "ref:nuts", "ref:INSEE", "de:regionalschluessel")
# A neighbour that touches the place's border shares only slivers with it.
INSIDE_SHARE = 0.5
# Below this a place's parts are complete; OpenStreetMap's borders of different levels share their ways.
REST_SHARE = 0.001
DECIMALS = 7


def reporting_units(place: Place, client: Client, scratch: Path) -> tuple[gpd.GeoDataFrame, list[str]]:
    """The areas to report on.

    Returns
    -------
    units : GeoDataFrame
        ``code`` (unique text: the official code where it is tagged, else ``R`` and the number of the OpenStreetMap
        relation), ``name``, ``osm``, ``geometry`` in WGS84. Together they cover the place.
    notes : list of str
        What a reader of the figures should know.
    """
    own_tags, inner = _inner_relations(place, client)
    whole = _frame([_unit(place.osm, own_tags or {"name": place.title.split(",")[0]}, place.polygon)])
    if place.osm == "":
        return _frame([{**_unit("", {"name": place.title}, place.polygon), "code": "box"}]), []
    if not inner:
        return whole, [f"{place.asked}: no administrative areas below it are mapped; it is one reporting unit"]
    found = Elements()
    found.add(client.overpass(queries.relations(inner)))
    parts, notes = _parts(place, inner, read_features(found, scratch))
    covered = shapely.union_all([part["geometry"] for part in parts]) if parts else shapely.Polygon()
    rest = polygons_of(shapely.difference(place.polygon, covered))
    share = rest.area / place.polygon.area if rest is not None else 0.0
    if share > 1 - INSIDE_SHARE:
        return whole, [*notes, f"{place.asked}: the areas below it are mapped only in part; it is one reporting unit"]
    if rest is not None and share > REST_SHARE:
        unit = whole.iloc[0].to_dict() | {"geometry": rest}
        parts.append({**unit, "name": f"{unit['name']} (rest)"})
        notes.append(f"{place.asked}: {share:.1%} lies in no mapped area below it and is a unit of its own")
    return _frame(parts), notes


def _inner_relations(place: Place, client: Client) -> tuple[Tags, dict[int, Tags]]:
    """Tags of the place, and the relations of the next administrative level that is mapped, with their tags."""
    kind, _, number = place.osm.partition("/")
    if kind != "relation" or not number.isdecimal():
        return {}, {}
    elements = client.overpass(queries.inner_levels(int(number)))
    tags = {int(e["id"]): e.get("tags", {}) for e in elements if e.get("type") == "relation"}
    own = tags.pop(int(number), {})
    level = _level(own)
    if level is None:
        return own, {}
    levels = {relation: _level(about) for relation, about in tags.items()}
    below = [other for other in levels.values() if other is not None and other > level]
    if not below:
        return own, {}
    return own, {relation: tags[relation] for relation, other in levels.items() if other == min(below)}


def _level(tags: Tags) -> int | None:
    level = tags.get("admin_level", "")
    return int(level) if level.isdecimal() else None


def _parts(place: Place, inner: dict[int, Tags], features: gpd.GeoDataFrame) -> tuple[list[dict[str, Any]], list[str]]:
    """Units whose area lies mostly in the place; a note for each that has no closed boundary."""
    rows = features[features["element"] == "relation"]
    shapes = dict(zip(rows["id"], rows.geometry, strict=True))
    parts, notes = [], []
    for relation, tags in sorted(inner.items()):
        shape = polygons_of(shapes[relation]) if relation in shapes else None
        if shape is None:
            notes.append(f"relation/{relation} ({tags.get('name', '?')}): its boundary is not closed; not a unit")
        elif shapely.intersection(shape, place.polygon).area > INSIDE_SHARE * shape.area:
            parts.append(_unit(f"relation/{relation}", tags, shape))
    return parts, notes


def _unit(osm: str, tags: Tags, shape: Geometry) -> dict[str, Any]:
    kind, _, number = osm.partition("/")
    code = next((tags[key].strip() for key in CODE_TAGS if tags.get(key, "").strip()), "")
    own = f"{kind[:1].upper()}{number}"
    return {"code": code or own, "name": tags.get("name") or own, "osm": osm, "geometry": shape}


def _frame(units: list[dict[str, Any]]) -> gpd.GeoDataFrame:
    """Units by code; where two have one code, both get the number of their relation instead."""
    often = Counter(unit["code"] for unit in units)
    for unit in units:
        if often[unit["code"]] > 1:
            kind, _, number = unit["osm"].partition("/")
            unit["code"] = f"{kind[:1].upper()}{number}"
    shapes = shapely.transform([unit.pop("geometry") for unit in units], lambda xy: np.round(xy, DECIMALS))
    table = pd.DataFrame(units).astype("str")
    return gpd.GeoDataFrame(table, geometry=shapes, crs="EPSG:4326").sort_values("code", ignore_index=True)
