"""Result -> sliders in a notebook: how many new sites, within how many minutes, at whose pace; redrawn at once."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from withinreach.errors import CoverageError, StudyError
from withinreach.scenarios import compare, reanalyse
from withinreach.showing import card, line, words
from withinreach.siting import Rules, site

if TYPE_CHECKING:
    from withinreach.analysis import Result
    from withinreach.siting import Plan

MOST_SITES = 15
LONGEST_MIN = 30
DEFAULT = Rules()


class SiteExplorer:
    """Sliders and what they lead to; shows itself in a notebook, and without a running one as it last was.

    Attributes
    ----------
    new, minutes, profile
        The controls; setting ``.value`` is as good as moving them.
    answer
        The HTML below them: the sites on a map and in a table, who gains, and where.
    plan : Plan or None
        What is shown; ``plan.scenario("…")`` takes it further. None where there is no answer.
    """

    def __init__(self, result: Result, service: str, candidates: str, rules: Rules) -> None:
        try:
            import ipywidgets  # noqa: PLC0415  # optional
        except ImportError:
            raise StudyError("sliders need ipywidgets: pip install 'withinreach[notebook]'") from None
        study, asked = result.case.study, result.case.study.service(service)
        says = words(study.language)
        self._result, self._service, self._candidates, self._rules = result, service, candidates, rules
        self._bases = {(asked.cutoff_min, asked.profile): result}
        self.plan: Plan | None = None
        wide: dict[str, Any] = {
            "layout": ipywidgets.Layout(width="420px"),
            "style": {"description_width": "110px"},
            "continuous_update": False,
        }
        self.new = ipywidgets.IntSlider(3, 1, MOST_SITES, description=says["new_sites"], **wide)
        self.minutes = ipywidgets.FloatSlider(
            asked.cutoff_min, min=1, max=max(LONGEST_MIN, asked.cutoff_min), step=1, description=says["walk"], **wide
        )
        paces = [(f"{one.title} · {one.speed_m_s:g} m/s", name) for name, one in study.profiles.items()]
        self.profile = ipywidgets.Dropdown(
            options=paces, value=asked.profile, description=says["pace"], layout=wide["layout"], style=wide["style"]
        )
        self.answer = ipywidgets.HTML()
        controls = (self.new, self.minutes, self.profile)
        self._box = ipywidgets.VBox([*controls, self.answer])
        for control in controls:
            control.observe(lambda _: self._redraw(), names="value")
        self._redraw()

    def _redraw(self) -> None:
        try:
            self.plan, self.answer.value = self._answered()
        except CoverageError as error:
            self.plan, self.answer.value = None, card(self._service, "", *(line(one) for one in error.problems))

    def _answered(self) -> tuple[Plan, str]:
        says = words(self._result.case.study.language)
        base = self._base()
        plan = site(base, self._service, new=self.new.value, candidates=self._candidates, rules=self._rules)
        told = compare(base, plan.scenario(f"{says['new_sites']}: {self.new.value}"))
        return plan, plan._repr_html_() + told._repr_html_()

    def _base(self) -> Result:
        """Today's result at the chosen pace and time; only the one service is measured anew, and once."""
        asked = (self.minutes.value, self.profile.value)
        if asked not in self._bases:
            study = self._result.case.study
            changed = study.services[self._service].model_copy(update={"cutoff_min": asked[0], "profile": asked[1]})
            other = study.model_copy(update={"services": study.services | {self._service: changed}})
            self._bases[asked] = reanalyse(self._result, replace(self._result.case, study=other))
        return self._bases[asked]

    def _repr_mimebundle_(self, **options: object) -> dict[str, Any]:
        """The live sliders, and for viewers that run nothing what they show now."""
        shown = [f"{one.description}: {one.value:g}" for one in (self.new, self.minutes)]
        still = line(" · ".join([*shown, f"{self.profile.description}: {self.profile.label}"]))
        return {**self._box._repr_mimebundle_(**options), "text/html": still + self.answer.value}


def explore_sites(result: Result, service: str, *, candidates: str = "kinds", rules: Rules = DEFAULT) -> SiteExplorer:
    """Sliders for a notebook: where next, for how many sites, within how many minutes, at whose pace.

    Every move of a slider walks and chooses anew, as `site` and `compare` do. Needs ipywidgets, the extra
    ``notebook``.

    Parameters
    ----------
    candidates, rules
        As for `site`.

    Raises
    ------
    StudyError
        If there is no such service, or ipywidgets is not installed.
    """
    return SiteExplorer(result, service, candidates, rules)
