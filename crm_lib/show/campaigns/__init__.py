"""Campaigns in the reader's words: what they brought, what credit they deserve, what they cost, what to do."""

from __future__ import annotations

from crm_lib.show.campaigns.advice import next_steps
from crm_lib.show.campaigns.aims import targets
from crm_lib.show.campaigns.brought import brought
from crm_lib.show.campaigns.cautions import cautions
from crm_lib.show.campaigns.costs import budget, paid, under_way
from crm_lib.show.campaigns.credit import credit
from crm_lib.show.campaigns.headline import headline
from crm_lib.show.campaigns.offers import discounts
from crm_lib.show.campaigns.path import participation, path
from crm_lib.show.campaigns.publication import publication
from crm_lib.show.campaigns.trust import trust
from crm_lib.show.data_card import data_card

__all__ = [
    "brought",
    "budget",
    "cautions",
    "credit",
    "data_card",
    "discounts",
    "headline",
    "next_steps",
    "paid",
    "participation",
    "path",
    "publication",
    "targets",
    "trust",
    "under_way",
]
