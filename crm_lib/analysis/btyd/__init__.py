"""Buy till you die: how often customers order, and when they silently leave (BG/NBD)."""

from crm_lib.analysis.btyd.formulas import (
    Parameters,
    expected_orders,
    expected_orders_of_new,
    orders_if_alive,
    p_alive,
    p_buy,
)
from crm_lib.analysis.btyd.model import FEWEST_REPEATERS, UNIT_DAYS, BgNbd, fit, log_likelihood

__all__ = [
    "FEWEST_REPEATERS",
    "UNIT_DAYS",
    "BgNbd",
    "Parameters",
    "expected_orders",
    "expected_orders_of_new",
    "fit",
    "log_likelihood",
    "orders_if_alive",
    "p_alive",
    "p_buy",
]
