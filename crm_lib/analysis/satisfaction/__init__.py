"""Satisfaction: what customers got against what they expected, promoters, content, and where on the journey."""

from crm_lib.analysis.satisfaction.evidence import Evidence, evidence
from crm_lib.analysis.satisfaction.reliability import standardised_alpha
from crm_lib.analysis.satisfaction.voices import Change, Voices, voices

__all__ = ["Change", "Evidence", "Voices", "evidence", "standardised_alpha", "voices"]
