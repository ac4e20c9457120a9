"""How the sales funnel is said: cards, charts, tables and sentences of the funnel page."""

from crm_lib.show.data_card import data_card
from crm_lib.show.funnel.advice import next_steps
from crm_lib.show.funnel.ahead import ahead, speed
from crm_lib.show.funnel.headline import headline, publication
from crm_lib.show.funnel.losses import losses
from crm_lib.show.funnel.quarters import over_time
from crm_lib.show.funnel.stuck import stuck
from crm_lib.show.funnel.times import how_long
from crm_lib.show.funnel.trust import trust
from crm_lib.show.funnel.where import four_parts, in_the_pipe
from crm_lib.show.funnel.who import who

__all__ = [
    "ahead",
    "data_card",
    "four_parts",
    "headline",
    "how_long",
    "in_the_pipe",
    "losses",
    "next_steps",
    "over_time",
    "publication",
    "speed",
    "stuck",
    "trust",
    "who",
]
