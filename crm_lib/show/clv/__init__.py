"""Customer value in words and pictures."""

from crm_lib.show.clv.checked import checked
from crm_lib.show.clv.earned import realised
from crm_lib.show.clv.people import most_valuable
from crm_lib.show.clv.publication import publication
from crm_lib.show.clv.story import at_risk, headline, next_steps, value_by_tenth
from crm_lib.show.clv.trust import trust
from crm_lib.show.data_card import data_card

__all__ = [
    "at_risk",
    "checked",
    "data_card",
    "headline",
    "most_valuable",
    "next_steps",
    "publication",
    "realised",
    "trust",
    "value_by_tenth",
]
