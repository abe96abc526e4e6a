"""Result -> Plan: where next, and how far from the best that may be."""

from __future__ import annotations

from withinreach.siting.asking import site
from withinreach.siting.candidates import Candidates, candidates_of, inside_area, listed
from withinreach.siting.missing.gaps import Missing, explain_gaps
from withinreach.siting.missing.suggestions import CountyGaps, Suggestion, building_pairs, county_gaps
from withinreach.siting.plan import Plan
from withinreach.siting.rules import Extension, Rules, Zones, load_rules
from withinreach.siting.solving.answers import Certificate, Status

__all__ = [
    "Candidates",
    "Certificate",
    "CountyGaps",
    "Extension",
    "Missing",
    "Plan",
    "Rules",
    "Status",
    "Suggestion",
    "Zones",
    "building_pairs",
    "candidates_of",
    "county_gaps",
    "explain_gaps",
    "inside_area",
    "listed",
    "load_rules",
    "site",
]
