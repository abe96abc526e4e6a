"""A register of targets: one document's clauses, each with the rules that say what it asks for."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Literal

from pydantic import Field, model_validator

from withinreach.standards.rules import AnyRule
from withinreach.standards.rules.base import Basis, Text
from withinreach.study import Strict


class Target(Strict):
    """One target of a document.

    Attributes
    ----------
    id
        As it is called in tables and in the table of statistics, e.g. ``T18``.
    clause, also
        Chapter and section, e.g. ``3.2``, and others that say it, too. What stands before the first dot is a key of
        the register's `chapters`.
    words
        A short phrase as it stands in the document, in its language, enough to find the clause.
    gloss
        What it means, in English.
    year
        By which it is due; without it the register's.
    source, note
        Where the figure was found if not in the document itself; what a reader must know, e.g. "not verified".
    attribute
        ``binding`` (约束性) or ``expected`` (预期性), if the document says so.
    department
        Who answers for it (责任部门).
    baseline
        What the document tells of all units together in the register's `base_year`; the table of statistics goes before
        it.
    rules
        One, or several if the clause asks for several things: then each has a ``name`` and a ``title``.
    """

    id: Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_-]*$")]
    clause: str
    also: tuple[str, ...] = ()
    words: str
    gloss: str
    year: int | None = None
    source: str = ""
    note: str = ""
    attribute: Literal["binding", "expected"] | None = None
    department: str = ""
    baseline: float | None = None
    rules: tuple[AnyRule, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _rules_are_told_apart(self) -> Target:
        if len(self.rules) == 1:
            return self
        names = [rule.name for rule in self.rules]
        if None in names or any(rule.title is None for rule in self.rules):
            raise ValueError("has several rules; give each a name and a title")
        twice = sorted({str(name) for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"two rules have the name {', '.join(twice)}; rename one")
        return self

    @property
    def chapter(self) -> str:
        """The chapter of its clause."""
        return self.clause.partition(".")[0]

    @property
    def basis(self) -> Basis:
        """Whether it is computed, imported or narrative; of several rules the first in this order."""
        bases = {rule.BASIS for rule in self.rules}
        return next(basis for basis in ("computed", "imported", "narrative") if basis in bases)

    @property
    def needs(self) -> tuple[str, ...]:
        """The inputs without which it is not computable, as keys of a study."""
        needs = [need.key for rule in self.rules for part in rule.parts() if part.judged for need in part.rule.needs()]
        return tuple(dict.fromkeys(needs))


class Register(Strict):
    """The targets of one document.

    Attributes
    ----------
    id, title
    source
        The document, who issued it, when, and where it can be read.
    issued : date or None
    year
        By which its targets are due, unless they say otherwise.
    base_year : int or None
        From which its targets count (基期).
    no_counties
        Codes of areas that are reported but are no counties in law (development zones): clauses about every county
        do not apply to them.
    chapters
        Titles by number.
    targets
    """

    id: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")]
    title: Text
    source: str
    issued: dt.date | None = None
    year: int
    base_year: int | None = None
    no_counties: tuple[str, ...] = ()
    chapters: dict[str, Text] = Field(default_factory=dict)
    targets: tuple[Target, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _targets_are_told_apart(self) -> Register:
        ids = [target.id for target in self.targets]
        problems = [f"targets: the id {one} stands twice; rename one" for one in sorted(set(ids)) if ids.count(one) > 1]
        problems += [
            f"targets.{target.id}.baseline: of which year? give the register a base_year"
            for target in self.targets
            if target.baseline is not None and self.base_year is None
        ]
        problems += [
            f"targets.{target.id}.clause = '{target.clause}': chapters has no title for '{target.chapter}'; add one"
            for target in self.targets
            if self.chapters and target.chapter not in self.chapters
        ]
        if problems:
            raise ValueError("\n".join(problems))
        return self
