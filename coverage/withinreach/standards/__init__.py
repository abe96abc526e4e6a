"""Targets held against a case: registers of what plans ask for, and what of it is met, missed or not computable.

A register is a TOML file with one entry per clause (`register.Target`) and one or several rules in it, each of a kind
that a module of `rules` describes. Those of the package lie in ``registers/`` and are known by name; their schema is
told in ``registers/README.md``.
"""

from __future__ import annotations

from withinreach.standards.judgement import Judgement, State, states_of_targets
from withinreach.standards.judging import judge_case
from withinreach.standards.reading import known_registers, load_registers
from withinreach.standards.register import Register, Target
from withinreach.standards.texts import closing, tell_state

__all__ = [
    "Judgement",
    "Register",
    "State",
    "Target",
    "closing",
    "judge_case",
    "known_registers",
    "load_registers",
    "states_of_targets",
    "tell_state",
]
