"""`draw_map`: the map of who is covered and who is not, as a `folium.Map` that needs no network."""

from __future__ import annotations

from typing import TYPE_CHECKING

import folium
import numpy as np
import shapely
from folium.template import Template

from withinreach.maps.content import facility_content, study_content
from withinreach.maps.document import OfflineFigure, app_script, leaflet_script, page_skeleton, styles
from withinreach.maps.labels import LABELS
from withinreach.maps.layers import (
    area_arrays,
    cell_arrays,
    json_island,
    packed_island,
    reach_arrays,
    street_arrays,
    water_arrays,
)
from withinreach.maps.shapes import Degrees

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from withinreach.analysis import Result
    from withinreach.maps.layers import Island


def draw_map(result: Result) -> folium.Map:
    """Draw every service of a result on one map.

    Parameters
    ----------
    result
        What `analyse` returned.

    Returns
    -------
    folium.Map
        ``.save("index.html")`` writes one file that opens by double click and loads nothing; in a notebook the map
        shows itself. Layers of folium can be added before saving, as far as they bring no files of their own:
        vector layers and plain markers do, ``Popup``, ``Choropleth`` and tile layers do not.
    """
    study = result.case.study
    degrees = Degrees(study.metric_crs)
    west, south, east, north = shapely.total_bounds(result.case.areas.table.geometry.to_numpy()).tolist()
    corners = degrees.of(np.array([[west, south], [east, south], [east, north], [west, north]]))
    gap_map = GapMap(corners, language=study.language)
    for island in _islands(result, degrees):
        gap_map.add_child(island)
    OfflineFigure(title=study.title, language=LABELS[study.language]["tag"]).add_child(gap_map)
    return gap_map


class GapMap(folium.Map):
    """folium's map inside our page: Leaflet from the page itself, no tiles, fixed ids.

    Parameters
    ----------
    corners : (4, 2) float64
        Longitude and latitude of the corners of what the map shows.
    language
        Key of `LABELS`.
    """

    _template = Template(
        """
        {% macro header(this, kwargs) %}
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <style>{{ this.styles }}</style>
        <script>{{ this.leaflet_script }}</script>
        <script>{{ this.app_script }}</script>
        {% endmacro %}
        {% macro html(this, kwargs) %}
        {{ this.skeleton }}
        {% endmacro %}
        {% macro script(this, kwargs) %}
        var {{ this.get_name() }} = L.map({{ this.get_name()|tojson }}, {
            center: {{ this.location|tojson }},
            crs: L.CRS.{{ this.crs }},
            ...{{ this.options|tojavascript }}
        });
        withinReach.start({{ this.get_name() }}, {{ this.bounds|tojson }});
        {% endmacro %}
        """
    )

    def __init__(self, corners: NDArray[np.float64], *, language: str) -> None:
        (west, south), (east, north) = corners.min(axis=0).tolist(), corners.max(axis=0).tolist()
        super().__init__(
            location=[(south + north) / 2, (west + east) / 2],
            tiles=None,
            zoom_control=False,
            attribution_control=False,
            zoom_snap=0.1,
            zoom_delta=0.8,
            wheel_px_per_zoom_level=90,
            min_zoom=5,
            max_zoom=18,
        )
        self.bounds = [[south, west], [north, east]]
        # folium numbers its elements at random; with fixed ids the same result gives the same file.
        self._id = "gap"
        self.default_js: list[tuple[str, str]] = []
        self.default_css: list[tuple[str, str]] = []
        self.styles, self.skeleton = styles(), page_skeleton(self.get_name(), LABELS[language])
        self.leaflet_script, self.app_script = leaflet_script(), app_script()

    def _get_self_bounds(self) -> list[list[float | None]]:
        return [list(corner) for corner in self.bounds]


def _islands(result: Result, degrees: Degrees) -> Iterator[Island]:
    case = result.case
    yield json_island("study", study_content(result, degrees))
    yield json_island("facilities", facility_content(case))
    yield packed_island("areas", area_arrays(case, degrees))
    yield packed_island("water", water_arrays(case, degrees))
    yield packed_island("streets", street_arrays(case, degrees))
    yield packed_island("cells", cell_arrays(case))
    for name, reach in result.reaches.items():
        yield packed_island(f"reach-{name}", reach_arrays(reach))
