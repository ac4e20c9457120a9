"""What campaigns cost and brought: the chain from contact to sale, costs to the cent, tests against hold-outs.

`outcomes` and `arms` reduce contacts in the engine, `contrast` and `uplift` judge them, `indicative` compares
where nobody was held out, `attribution` divides credit, `returns` and `allocation` set cost beside it, `roster`,
`chain`, `goals`, `felt` and `prices` tell the rest; `evaluation` puts it together.
"""

from __future__ import annotations

from crm_lib.analysis.campaigns.allocation import METHODS, largest_remainder
from crm_lib.analysis.campaigns.attribution import MODELS, Attribution
from crm_lib.analysis.campaigns.chain import STEPS, Participation
from crm_lib.analysis.campaigns.evaluation import Evaluation, Gap, evaluation
from crm_lib.analysis.campaigns.felt import Felt
from crm_lib.analysis.campaigns.figures import MOST_TESTS, name_of, publication
from crm_lib.analysis.campaigns.goals import Goals
from crm_lib.analysis.campaigns.indicative import Indication
from crm_lib.analysis.campaigns.options import Options, Tables
from crm_lib.analysis.campaigns.prices import Prices
from crm_lib.analysis.campaigns.returns import Returns
from crm_lib.analysis.campaigns.uplift import Uplift

__all__ = [
    "METHODS",
    "MODELS",
    "MOST_TESTS",
    "STEPS",
    "Attribution",
    "Evaluation",
    "Felt",
    "Gap",
    "Goals",
    "Indication",
    "Options",
    "Participation",
    "Prices",
    "Returns",
    "Tables",
    "Uplift",
    "evaluation",
    "largest_remainder",
    "name_of",
    "of_source",
    "publication",
]


def of_source(source, **choices) -> Evaluation | None:
    """The evaluation of a whole source (`as_of`, `settings`, `get`), as proof beside another's.

    `choices` are those of `Options.of`, such as `window_days`.
    """
    if source is None:
        return None
    return evaluation(Tables.of(source.get), Options.of(source.settings, source.as_of, **choices))
