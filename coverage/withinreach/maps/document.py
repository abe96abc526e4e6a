"""The HTML file around the map: nothing in it refers to the outside, and its policy lets nothing in.

The first element of the head is a Content-Security-Policy. It names every script of the page by its SHA-256 digest,
taken when the page is rendered, so that scripts of layers which a user adds to the map are let through as well, and
no script that hides in a name is. Nothing may be fetched, so a tile server that a user adds stays silent.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from html.parser import HTMLParser
from importlib.resources import files
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

import xstatic.pkg.leaflet
from branca.element import Element, Figure
from jinja2 import Template

from withinreach.maps.labels import LABELS
from withinreach.maps.palette import palette_script

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from importlib.resources.abc import Traversable

_ASSETS: Traversable = files("withinreach.maps") / "assets"
_LEAFLET = Path(xstatic.pkg.leaflet.BASE_DIR)
APP_SCRIPTS = (
    "data.js",
    "words.js",
    "format.js",
    "canvas.js",
    "base.js",
    "cells.js",
    "facilities.js",
    "filter.js",
    "finder.js",
    "areas.js",
    "circles.js",
    "pockets.js",
    "walk.js",
    "trial.js",
    "smol-toml.js",
    "scenario.js",
    "scenario-files.js",
    "isochrones.js",
    "sites.js",
    "sites-panel.js",
    "legend.js",
    "panel.js",
    "table.js",
    "charts.js",
    "targets.js",
    "accounts.js",
    "basemap.js",
    "pointer.js",
    "chrome.js",
    "compare.js",
    "compare-panel.js",
    "app.js",
)
# Where the pictures of an online base map come from, which a study may allow; nothing else is ever fetched. Those of
# assets/basemap.js: Tianditu's WMTS in Web Mercator, OpenStreetMap's standard tiles; not verified from a live service.
TILE_HOSTS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "none": (),
        "tianditu": tuple(f"https://t{number}.tianditu.gov.cn" for number in range(8)),
        "osm": ("https://tile.openstreetmap.org",),
    }
)
_POLICY_HERE = "policy-of-this-page"
_SCRIPT_TYPES = ("", "text/javascript", "application/javascript", "module")


class OfflineFigure(Figure):
    """A page that loads nothing.

    Parameters
    ----------
    title
        Title of the page, any text.
    language
        Language tag of the page, e.g. ``zh-CN``.
    hosts
        From which pictures may be fetched; none by default.
    """

    _template = Template(
        '<!DOCTYPE html>\n<html lang="{{ this.language|e }}">\n<head>\n'
        '<meta http-equiv="Content-Security-Policy" content="' + _POLICY_HERE + '">\n'
        '<meta charset="utf-8">\n<title>{{ this.title|e }}</title>\n'
        "{{ this.header.render(**kwargs) }}\n</head>\n<body>\n{{ this.html.render(**kwargs) }}\n"
        "<script>\n{{ this.script.render(**kwargs) }}\n</script>\n</body>\n</html>\n"
    )

    def __init__(self, *, title: str, language: str, hosts: tuple[str, ...] = ()) -> None:
        super().__init__(title=title)
        self.language, self.hosts = language, hosts
        self.header = Element()
        self.header._parent = self  # noqa: SLF001  # branca's own way of hanging up its three parts

    def render(self, **kwargs: object) -> str:
        """The whole page, with the policy of the scripts that are in it now."""
        page = str(super().render(**kwargs)).replace("\r\n", "\n").replace("\r", "\n")
        return page.replace(_POLICY_HERE, content_policy(page, self.hosts), 1)


def content_policy(page: str, hosts: tuple[str, ...] = ()) -> str:
    """The Content-Security-Policy for a page: its own scripts by digest, its own styles and pictures, nothing else.

    Pictures may come from `hosts`, too.
    """
    reader = _ScriptReader()
    reader.feed(page)
    reader.close()
    digests = (base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in reader.scripts)
    scripts = " ".join(dict.fromkeys(f"'sha256-{digest}'" for digest in digests))
    pictures = " ".join(("data:", "blob:", *hosts))
    return (
        f"default-src 'none'; script-src {scripts}; style-src 'unsafe-inline'; img-src {pictures}; "
        "base-uri 'none'; form-action 'none'"
    )


class _ScriptReader(HTMLParser):
    """Collects the text of every script that a browser would run."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=False)
        self.scripts: list[str] = []
        self._inside = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "script" and (dict(attrs).get("type") or "") in _SCRIPT_TYPES:
            self._inside = True
            self.scripts.append("")

    def handle_data(self, data: str) -> None:
        if self._inside:
            self.scripts[-1] += data

    def handle_endtag(self, tag: str) -> None:
        if tag == "script":
            self._inside = False


def page_skeleton(map_id: str, texts: Iterable[Mapping[str, str]]) -> str:
    """The body of the page before the app fills it; `texts` are the labels of each language that it speaks."""
    return Template(_asset("page.html"), autoescape=True).render(map_id=map_id, texts=texts)


# What every page of ours has beside a script that starts it, for templates of elements of folium; see `Furniture`.
FURNITURE = """
        {% macro header(this, kwargs) %}
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <style>{{ this.furniture.styles }}</style>
        <script>{{ this.furniture.leaflet_script }}</script>
        <script>{{ this.furniture.app_script }}</script>
        {% endmacro %}
        {% macro html(this, kwargs) %}
        {{ this.furniture.skeleton }}
        {% endmacro %}
"""


class Furniture(NamedTuple):
    """Texts that `FURNITURE` puts into a page."""

    styles: str
    leaflet_script: str
    app_script: str
    skeleton: str

    @classmethod
    def of(cls, map_id: str, language: str) -> Furniture:
        """For a map with an id, in a language (key of `LABELS`) first."""
        others = (words for name, words in LABELS.items() if name != language)
        return cls(styles(), leaflet_script(), app_script(), page_skeleton(map_id, (LABELS[language], *others)))


def styles() -> str:
    """Leaflet's style sheet, with its pictures inside, and ours."""
    leaflet = (_LEAFLET / "leaflet.css").read_text(encoding="utf-8")
    # Vector markup of Internet Explorer 8; the reference would be the only one in the page that is no picture.
    leaflet = re.sub(r"behavior:[^;]*;", "", leaflet)
    leaflet = re.sub(r"url\(images/([\w-]+\.png)\)", lambda found: f"url({_picture(found[1])})", leaflet)
    return leaflet + "\n" + _asset("app.css")


def leaflet_script() -> str:
    """Leaflet with its licence, told to take the pictures of its default markers from the page."""
    code = (_LEAFLET / "leaflet.js").read_text(encoding="utf-8")
    code = re.sub(r"//# sourceMappingURL=.*", "", code)
    # The credit is a link to the outside, inside a control that our map does not show; it stands in the licence.
    code = code.replace('<a href="https://leafletjs.com"', "<a")
    icons = {
        "iconUrl": _picture("marker-icon.png"),
        "iconRetinaUrl": _picture("marker-icon-2x.png"),
        "shadowUrl": _picture("marker-shadow.png"),
    }
    return (
        f"/*\n{_asset('leaflet-license.txt')}*/\n{code}\n"
        f'L.Icon.Default.imagePath = "";\nL.Icon.Default.mergeOptions({json.dumps(icons)});\n'
    )


def app_script() -> str:
    """Our own scripts, in order, as one closed function that leaves the global `withinReach` behind."""
    body = "\n".join([palette_script(), *(_asset(name) for name in APP_SCRIPTS)])
    face = "start, compare, trial, compared"
    return f'const withinReach = (function () {{\n"use strict";\n{body}\nreturn {{ {face} }};\n}})();\n'


def _asset(name: str) -> str:
    return (_ASSETS / name).read_text(encoding="utf-8")


def _picture(name: str) -> str:
    data = base64.b64encode((_LEAFLET / "images" / name).read_bytes()).decode("ascii")
    return f"data:image/png;base64,{data}"
