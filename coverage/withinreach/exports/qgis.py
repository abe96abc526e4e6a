"""Styles that QGIS finds inside a GeoPackage: the table ``layer_styles`` with a QML document per layer and service.

QGIS reads the row of a layer with ``useAsDefault`` when the layer is opened, and offers the others by name. Columns are
those that QGIS itself makes (`QgsOgrProvider`, saveStyle); the table must stand in ``gpkg_contents``, or QGIS does not
look into it, and times must be ISO 8601 in UTC, or GDAL warns of every row. Symbols carry their properties twice, as
``Option`` (QGIS 3.20 and later) and as ``prop`` (before).
"""

from __future__ import annotations

import sqlite3
import uuid
from contextlib import closing
from typing import TYPE_CHECKING, NamedTuple
from xml.sax.saxutils import quoteattr

from withinreach.exports.words import WORDS
from withinreach.measures.thresholds import COVERAGE_BREAKS
from withinreach.reach import Status

if TYPE_CHECKING:
    import datetime as dt
    from pathlib import Path

    from withinreach.study import Service, Study

# Light to dark; the same order on the maps.
COVERAGE_COLOURS = ("#e3eef0", "#a9d0d5", "#5fa5b1", "#1f6b7a")
NO_PEOPLE_COLOUR = "#d9d9d9"
# Uncovered from thin to urgent; served in the colour of good coverage.
STATUS_COLOURS = {
    Status.SERVED: "#1f6b7a",
    Status.TOO_FAR: "#ee8147",
    Status.NOT_CONNECTED: "#962407",
    Status.NOT_SNAPPED: "#7f7f7f",
    Status.OUTSIDE_NETWORK: "#bfbfbf",
    Status.SERVED_ESTIMATE: "#5fa5b1",
    Status.TOO_FAR_ESTIMATE: "#f8b98a",
}
PRIORITY_COLOURS = {"high": "#962407", "middle": "#d24a1d", "low": "#f8b98a"}
# Names in the table of styles may be so long.
LONGEST_NAME = 30
CREATE = """
CREATE TABLE layer_styles (
  id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, f_table_catalog TEXT(256), f_table_schema TEXT(256),
  f_table_name TEXT(256), f_geometry_column TEXT(256), styleName TEXT(30), styleQML TEXT, styleSLD TEXT,
  useAsDefault BOOLEAN, description TEXT, owner TEXT(30), ui TEXT(30),
  update_time DATETIME DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ','now')))
"""
CONTENTS = """
INSERT INTO gpkg_contents (table_name, data_type, identifier, description, last_change, srs_id)
VALUES ('layer_styles', 'attributes', 'layer_styles', '', ?, 0)
"""
STYLE = """
INSERT INTO layer_styles (f_table_catalog, f_table_schema, f_table_name, f_geometry_column, styleName, styleQML,
  styleSLD, useAsDefault, description, owner, ui, update_time)
VALUES ('', '', ?, 'geom', ?, ?, '', ?, ?, '', '', ?)
"""


class _Rule(NamedTuple):
    """A class of a legend: which features, what it is called, its colour (empty: no fill)."""

    condition: str
    label: str
    colour: str


class Style(NamedTuple):
    """A style of a layer: its layer, its name, the QML document, and whether the layer opens with it."""

    layer: str
    name: str
    qml: str
    default: bool


def styles_of(study: Study) -> list[Style]:
    """The styles of a county's layers, in the language of the study; the first service is the default."""
    words, styles = WORDS[study.language], []
    for number, service in enumerate(study.services.values()):
        default = number == 0
        styles.append(Style("area", service.title, _qml("fill", _coverage_rules(service, study)), default=default))
        styles.append(Style("cells", service.title, _qml("marker", _status_rules(service, study)), default=default))
    gaps = [_Rule(f"\"priority\" = '{name}'", words[f"priority_{name}"], c) for name, c in PRIORITY_COLOURS.items()]
    everything = {
        "facilities": ("marker", [_Rule("", words["facilities"], "#16263f")]),
        "isochrones": ("fill", [_Rule("", words["isochrones"], "#5fa5b180")]),
        "catchments": ("fill", [_Rule("", words["catchments"], "")]),
        "gaps": ("fill", gaps),
    }
    styles += [
        Style(layer, words[layer], _qml(kind, rules), default=True) for layer, (kind, rules) in everything.items()
    ]
    return styles


def add_styles(path: Path, styles: list[Style], day: dt.date) -> None:
    """Put styles into a GeoPackage that has their layers, dated with the study's day."""
    time = f"{day.isoformat()}T00:00:00.000Z"
    with closing(sqlite3.connect(path)) as package, package:
        package.execute("PRAGMA synchronous = OFF")  # the folder that it is in appears whole or not at all
        package.execute(CREATE)
        package.execute(CONTENTS, (time,))
        for style in styles:
            name = style.name[:LONGEST_NAME]
            package.execute(STYLE, (style.layer, name, style.qml, style.default, style.name, time))


def _coverage_rules(service: Service, study: Study) -> list[_Rule]:
    """A share on a threshold belongs to the class that begins there, which ranges of a graduated style cannot say."""
    column, names = f'"{service.name}_coverage"', WORDS[study.language]
    bounds = (None, *COVERAGE_BREAKS, None)
    rules = [_Rule(f"{column} IS NULL", names["no_people"], NO_PEOPLE_COLOUR)]
    for low, high, colour in zip(bounds, bounds[1:], COVERAGE_COLOURS, strict=False):
        conditions = [f"{column} >= {low}" if low is not None else "", f"{column} < {high}" if high is not None else ""]
        label = _between(low, high)
        rules.append(_Rule(" AND ".join(filter(None, conditions)), label, colour))
    return rules


def _between(low: float | None, high: float | None) -> str:
    if low is None:
        return f"< {100 * (high or 0):g} %"
    return f"≥ {100 * low:g} %" if high is None else f"{100 * low:g}–{100 * high:g} %"


def _status_rules(service: Service, study: Study) -> list[_Rule]:
    words = WORDS[study.language]
    return [
        _Rule(f"\"{service.name}_status\" = '{status.key}'", words[f"status_{status.key}"], colour)
        for status, colour in STATUS_COLOURS.items()
    ]


def _qml(kind: str, rules: list[_Rule]) -> str:
    """A QML document with one rule per class."""
    listed = "".join(
        f"<rule key={quoteattr(_key(kind, number, rule))} symbol={quoteattr(str(number))} "
        f"label={quoteattr(rule.label)}{f' filter={quoteattr(rule.condition)}' if rule.condition else ''}/>"
        for number, rule in enumerate(rules)
    )
    symbols = "".join(_symbol(kind, number, rule.colour) for number, rule in enumerate(rules))
    geometry = {"marker": 0, "fill": 2}[kind]
    return (
        "<!DOCTYPE qgis PUBLIC 'http://mrcc.com/qgis.dtd' 'SYSTEM'>\n"
        '<qgis version="3.22.0" styleCategories="Symbology">'
        '<renderer-v2 type="RuleRenderer" symbollevels="0" enableorderby="0" forceraster="0">'
        f'<rules key="{_key(kind, -1, rules[0])}">{listed}</rules><symbols>{symbols}</symbols></renderer-v2>'
        f"<layerGeometryType>{geometry}</layerGeometryType></qgis>\n"
    )


def _key(kind: str, number: int, rule: _Rule) -> str:
    """An identifier as QGIS wants it, the same for the same rule."""
    return f"{{{uuid.uuid5(uuid.NAMESPACE_OID, f'withinreach {kind} {number} {rule.condition} {rule.label}')}}}"


def _symbol(kind: str, number: int, colour: str) -> str:
    rgba = _rgba(colour)
    shapes = {
        "fill": ("SimpleFill", {"color": rgba, "style": "solid" if colour else "no", "outline_color": "83,96,108,255"}),
        "marker": ("SimpleMarker", {"color": rgba, "name": "circle", "outline_style": "no", "size": "1.2"}),
    }
    layer, properties = shapes[kind]
    if kind == "fill":
        properties |= {"outline_style": "solid", "outline_width": "0.2", "outline_width_unit": "MM"}
    options = "".join(f'<Option type="QString" name="{key}" value="{value}"/>' for key, value in properties.items())
    old = "".join(f'<prop k="{key}" v="{value}"/>' for key, value in properties.items())
    return (
        f'<symbol type="{kind}" name="{number}" alpha="1" clip_to_extent="1" force_rhr="0">'
        f'<layer class="{layer}" enabled="1" locked="0" pass="0"><Option type="Map">{options}</Option>{old}</layer>'
        "</symbol>"
    )


def _rgba(colour: str) -> str:
    """``#rrggbb`` or ``#rrggbbaa`` as QGIS writes it."""
    digits = (colour or "#ffffff00").removeprefix("#").ljust(8, "f")
    return ",".join(str(int(digits[at : at + 2], 16)) for at in (0, 2, 4, 6))
