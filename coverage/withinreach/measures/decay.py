"""How much less a place is worth the longer the walk to it: weights of 0 to 1 from seconds, as values.

A decay is a frozen value that is called with walking times. It is chosen for a service and never fitted here: at the
scale of a community the size of the catchment decides more than the form of the decay (Chen & Jia 2019, 24 models,
https://doi.org/10.1080/13658816.2019.1591415), so vary the cutoff first.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

GAUSSIAN_END = math.exp(-0.5)


class Decay(Protocol):
    """What the floating catchments take: weights, 0 to 1 and never rising, from seconds of walking."""

    def __call__(self, seconds: NDArray[np.float64]) -> NDArray[np.float64]:
        """Weights of the same shape."""


@dataclass(frozen=True, slots=True)
class Binary:
    """1 up to the cutoff, that second included, and 0 beyond: every place in reach counts in full.

    The original 2SFCA: Luo & Wang (2003), https://doi.org/10.1068/b29120.
    """

    cutoff_s: float

    def __post_init__(self) -> None:
        _must_be_positive(cutoff_s=self.cutoff_s)

    def __call__(self, seconds: NDArray[np.float64]) -> NDArray[np.float64]:
        """Weights of the same shape."""
        return np.where(seconds <= self.cutoff_s, 1.0, 0.0)


@dataclass(frozen=True, slots=True)
class Stepped:
    """One weight per zone of walking time; a zone includes its end, and beyond the last one nothing counts.

    E2SFCA: Luo & Qi (2009), https://doi.org/10.1016/j.healthplace.2009.06.002.

    Attributes
    ----------
    ends_s : tuple of float
        Ends of the zones, ascending.
    weights : tuple of float
        One per zone, 0 to 1, none above that of a nearer zone.
    """

    ends_s: tuple[float, ...]
    weights: tuple[float, ...]

    def __post_init__(self) -> None:
        if not self.ends_s or len(self.ends_s) != len(self.weights):
            raise ValueError("Stepped needs one weight per end of a zone, and one zone at least")
        if min(self.ends_s) <= 0 or list(self.ends_s) != sorted(set(self.ends_s)):
            raise ValueError(f"ends_s must be positive and ascend, not {self.ends_s}")
        if not (self.weights[0] <= 1 and self.weights[-1] >= 0) or list(self.weights) != sorted(self.weights)[::-1]:
            raise ValueError(f"weights must be within 0..1 and not ascend, not {self.weights}")

    @classmethod
    def thirds(cls, cutoff_s: float) -> Stepped:
        """Luo & Qi's weights 1, 0.68 and 0.22 on thirds of a cutoff.

        The paper has them for drives of 10, 20 and 30 minutes. That the same weights suit thirds of a walk is a
        proportional rescaling and not verified; give zones of your own where a survey supports them.
        """
        return cls((cutoff_s / 3, cutoff_s * 2 / 3, cutoff_s), (1.0, 0.68, 0.22))

    def __call__(self, seconds: NDArray[np.float64]) -> NDArray[np.float64]:
        """Weights of the same shape."""
        return np.array([*self.weights, 0.0])[np.searchsorted(self.ends_s, seconds)]


@dataclass(frozen=True, slots=True)
class Gaussian:
    """(e^(-(t/T)²/2) - e^(-1/2)) / (1 - e^(-1/2)): falls from 1 at the door to 0 at the cutoff T.

    Dai (2010), https://doi.org/10.1016/j.healthplace.2010.06.012; the form as given there is not verified.
    """

    cutoff_s: float

    def __post_init__(self) -> None:
        _must_be_positive(cutoff_s=self.cutoff_s)

    def __call__(self, seconds: NDArray[np.float64]) -> NDArray[np.float64]:
        """Weights of the same shape."""
        weights = (np.exp(-0.5 * (seconds / self.cutoff_s) ** 2) - GAUSSIAN_END) / (1 - GAUSSIAN_END)
        return np.where(seconds < self.cutoff_s, np.maximum(weights, 0.0), 0.0)


@dataclass(frozen=True, slots=True)
class Exponential:
    """e^(-t · per_min) with t in minutes; never quite 0, so that the cutoff of the pairs ends it.

    The form of entropy-maximising interaction models (Wilson 1971, https://doi.org/10.1068/a030001).
    """

    per_min: float

    def __post_init__(self) -> None:
        _must_be_positive(per_min=self.per_min)

    def __call__(self, seconds: NDArray[np.float64]) -> NDArray[np.float64]:
        """Weights of the same shape."""
        return np.exp(-self.per_min * seconds / 60)


@dataclass(frozen=True, slots=True)
class Linear:
    """1 - t/T down to 0 at the cutoff T, as ``decay_linear`` of Pereira et al.'s R package *accessibility*."""

    cutoff_s: float

    def __post_init__(self) -> None:
        _must_be_positive(cutoff_s=self.cutoff_s)

    def __call__(self, seconds: NDArray[np.float64]) -> NDArray[np.float64]:
        """Weights of the same shape."""
        return np.maximum(1 - seconds / self.cutoff_s, 0.0)


@dataclass(frozen=True, slots=True)
class Logistic:
    """(1 + e^(-m·z)) / (1 + e^((t - m)·z)) with z = π / (sd·√3): 1 at the door, about one half at the median m.

    A logistic distribution's upper tail, scaled to 1 at t = 0, as ``decay_logistic`` of Pereira et al.'s R package
    *accessibility*. A small spread makes it nearly binary, a large one nearly linear.
    """

    median_s: float
    sd_s: float

    def __post_init__(self) -> None:
        _must_be_positive(median_s=self.median_s, sd_s=self.sd_s)

    def __call__(self, seconds: NDArray[np.float64]) -> NDArray[np.float64]:
        """Weights of the same shape."""
        z = math.pi / (self.sd_s * math.sqrt(3))
        # The power is capped where e^x nears the largest float; the weight is 0 to 300 digits by then.
        powers = np.minimum((seconds - self.median_s) * z, 700.0)
        return (1 + math.exp(-self.median_s * z)) / (1 + np.exp(powers))


def _must_be_positive(**parameters: float) -> None:
    for name, value in parameters.items():
        if not (value > 0 and math.isfinite(value)):
            raise ValueError(f"{name} must be above 0 and finite, not {value}")
