"""Which customers matter: grades, weighted score, named segments, value grades and the value pyramid.

`grades` and `weights` make the score, `rules` names segments, `pyramid` and `concentration` say who holds the
money, `schemes` sets other ways to group the customers beside them, `overlap` says which classes share
customers, `migration` who moved between two dates, `clusters` whether customers fall into groups by themselves,
`portrait` what sets a class apart.
"""

from __future__ import annotations

from crm_lib.analysis.segmentation.clusters import Clusters, clusters
from crm_lib.analysis.segmentation.grades import TOO_MANY_TIED, Grading, cuts, grades, grading
from crm_lib.analysis.segmentation.migration import Moves, migration
from crm_lib.analysis.segmentation.overlap import Overlap, overlap
from crm_lib.analysis.segmentation.portrait import Portrait, portrait
from crm_lib.analysis.segmentation.printed import Agreement
from crm_lib.analysis.segmentation.result import Rows, Segmentation, at_risk, of_source, segments
from crm_lib.analysis.segmentation.rules import KINDS, LEVELS, RULES, SEGMENTS, SLIPPING, every_code, segment
from crm_lib.analysis.segmentation.schemes import Scheme, Schemes, schemes
from crm_lib.analysis.segmentation.weights import Weights

__all__ = [
    "KINDS",
    "LEVELS",
    "RULES",
    "SEGMENTS",
    "SLIPPING",
    "TOO_MANY_TIED",
    "Agreement",
    "Clusters",
    "Grading",
    "Moves",
    "Overlap",
    "Portrait",
    "Rows",
    "Scheme",
    "Schemes",
    "Segmentation",
    "Weights",
    "at_risk",
    "clusters",
    "cuts",
    "every_code",
    "grades",
    "grading",
    "migration",
    "of_source",
    "overlap",
    "portrait",
    "schemes",
    "segment",
    "segments",
]
