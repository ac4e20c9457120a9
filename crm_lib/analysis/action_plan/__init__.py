"""The action plan: whom to contact next, with what and why, and what earlier contacts brought."""

from dataclasses import fields

import pandas as pd

from crm_lib.analysis.action_plan.facts import Tables
from crm_lib.analysis.action_plan.figures import publication
from crm_lib.analysis.action_plan.plan import LEAVE_ALONE, Plan, plan

__all__ = ["LEAVE_ALONE", "Plan", "Tables", "plan", "product_names", "publication", "tables_of"]


def product_names(tables: Tables) -> pd.DataFrame | None:
    """`product_id` and `name` of all products in `tables`, by id; None where the source names none.

    >>> product_names(Tables()) is None
    True
    """
    if tables.products is None or "name" not in tables.products.columns:
        return None
    return tables.products.select("product_id", "name").to_pandas().sort_values("product_id", ignore_index=True)


def tables_of(source: object) -> Tables:
    """The tables of a source (anything with `get`) that a plan can use."""
    same = [f.name for f in fields(Tables) if f.name != "summaries"]
    return Tables(summaries=source.get("customer_summaries"), **{name: source.get(name) for name in same})
