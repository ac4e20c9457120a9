"""How satisfaction is said: cards, pictures and sentences, in the order of the page."""

from crm_lib.show.data_card import data_card
from crm_lib.show.satisfaction.aspects import falls_short
from crm_lib.show.satisfaction.complaints import complaints
from crm_lib.show.satisfaction.journey import change, journey
from crm_lib.show.satisfaction.later import later
from crm_lib.show.satisfaction.matters import matters
from crm_lib.show.satisfaction.outcome import headline, next_steps
from crm_lib.show.satisfaction.publication import publication
from crm_lib.show.satisfaction.silent import silent
from crm_lib.show.satisfaction.spread import answers
from crm_lib.show.satisfaction.trust import trust

__all__ = [
    "answers",
    "change",
    "complaints",
    "data_card",
    "falls_short",
    "headline",
    "journey",
    "later",
    "matters",
    "next_steps",
    "publication",
    "silent",
    "trust",
]
