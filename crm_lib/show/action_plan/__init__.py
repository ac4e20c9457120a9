"""How the action plan is said: cards, tables and sentences of its page, and the lists in words."""

from crm_lib.show.action_plan.advice import next_steps
from crm_lib.show.action_plan.advice import published as publication
from crm_lib.show.action_plan.aims import on_target
from crm_lib.show.action_plan.company import at_stake, fixed, last_time
from crm_lib.show.action_plan.headline import headline
from crm_lib.show.action_plan.lists import lists
from crm_lib.show.action_plan.proposal import budgets, goes_with, peace, plays
from crm_lib.show.action_plan.trust import trust
from crm_lib.show.data_card import data_card

__all__ = [
    "at_stake",
    "budgets",
    "data_card",
    "fixed",
    "goes_with",
    "headline",
    "last_time",
    "lists",
    "next_steps",
    "on_target",
    "peace",
    "plays",
    "publication",
    "trust",
]
