"""What a study says about its maps as documents, beyond title, producer, notice and dates."""

from __future__ import annotations

from typing import Literal

from withinreach.study.fields import Strict


class MapSheet(Strict):
    """The ``[map]`` of a study: what stands on every map for those who review and publish it.

    Attributes
    ----------
    review_number
        审图号, as the reviewing authority gave it, e.g. ``豫S(2025年)012号``; it must stand on maps that are published
        after review.
    internal_use
        Whether maps are marked 内部用图.
    base_map
        The online map that readers may switch on beneath: ``tianditu`` (天地图, with a key of their own that they type
        in the page) or ``osm`` (OpenStreetMap). By default none, and pages fetch nothing.
    """

    review_number: str = ""
    internal_use: bool = False
    base_map: Literal["none", "tianditu", "osm"] = "none"
