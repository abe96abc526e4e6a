"""What the kernels take, out of a case."""

from __future__ import annotations

from typing import TYPE_CHECKING

from withinreach.kernels.nearest import Segments, Spots

if TYPE_CHECKING:
    from withinreach.model import Costs, Network, Places


def segments_of(network: Network, costs: Costs) -> Segments:
    """Street segments with what they cost a profile."""
    return Segments(network.tail, network.head, network.length_mm, costs.forward_mm, costs.backward_mm)


def spots_of(places: Places) -> Spots:
    """Where places meet the network."""
    return Spots(places.segment, places.offset_mm, places.access_mm)
