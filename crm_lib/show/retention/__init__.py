"""Retention in words and pictures."""

from crm_lib.show.data_card import data_card
from crm_lib.show.retention.churning import churn, silence
from crm_lib.show.retention.early import early_warning, trust
from crm_lib.show.retention.generations import cohorts
from crm_lib.show.retention.headline import headline, next_steps
from crm_lib.show.retention.lifecycle import life_cycle
from crm_lib.show.retention.loyal import contracts, loyalty
from crm_lib.show.retention.publication import publication
from crm_lib.show.retention.staying import survival

__all__ = [
    "churn",
    "cohorts",
    "contracts",
    "data_card",
    "early_warning",
    "headline",
    "life_cycle",
    "loyalty",
    "next_steps",
    "publication",
    "silence",
    "survival",
    "trust",
]
