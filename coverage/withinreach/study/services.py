"""What a study measures: services, for whom, within how many minutes, at which speed, against which norm."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from withinreach.study.fields import Identifier, Strict


def _whole_mm_s(value: float) -> float:
    if abs(value * 1000 - round(value * 1000)) > 1e-6:
        raise ValueError("give the speed in steps of 0.001 m/s; times are computed in whole millimetres")
    return value


class Profile(Strict):
    """A way of walking: its speed, what slows it down, and where the figures come from.

    `slope` is the function by which slopes slow people down where the network has a terrain: Tobler's hiking function,
    or none (for a motor). `steps_m_s` is the speed on stairs, along the ground: 0 where they cannot be used, nothing
    where they are walked like a street. `crossing_wait_s` is the mean wait before a mapped crossing of a street.

    A study may use those of ``profiles.toml`` (elder_65, elder_80, adult, infant_carer, wheelchair, gb50180, e_bike)
    by name, and defines others under ``[profiles.NAME]``.
    """

    title: str
    speed_m_s: Annotated[float, Field(gt=0, le=10), AfterValidator(_whole_mm_s)]
    source: str
    slope: Literal["tobler", "none"] = "tobler"
    steps_m_s: float | None = Field(default=None, ge=0)
    crossing_wait_s: float = Field(default=0.0, ge=0, le=600)

    @model_validator(mode="after")
    def _no_faster_on_stairs(self) -> Profile:
        if self.steps_m_s is not None and self.steps_m_s > self.speed_m_s:
            raise ValueError(f"steps_m_s is above speed_m_s, {self.speed_m_s:g}; nobody is faster on stairs")
        return self

    @property
    def speed_mm_s(self) -> int:
        """Speed in whole millimetres per second."""
        return round(self.speed_m_s * 1000)


class Norm(Strict):
    """Places that the plan asks for per 1,000 people of a group, with the clause that says so."""

    per_1000: float = Field(gt=0)
    of: Identifier
    source: str


# Minutes that may be tried on an area's page without coming to the end of its streets.
TRIED_S = 20 * 60


class Service(Strict):
    """What is measured: which kinds of facility, for which people, within how many minutes on foot."""

    name: Identifier
    title: str
    kinds: tuple[Identifier, ...] = Field(min_length=1)
    people: Identifier
    cutoff_min: float = Field(gt=0, le=240)
    profile: Identifier
    capacity: Identifier | None = None
    capacity_title: str = ""
    norm: Norm | None = None

    @model_validator(mode="after")
    def _norm_needs_capacity(self) -> Service:
        if self.norm is not None and self.capacity is None:
            raise ValueError("a norm needs capacity, the attribute that counts the places")
        return self

    @property
    def cutoff_s(self) -> float:
        """Cutoff in seconds; people at exactly this time are served."""
        return self.cutoff_min * 60
