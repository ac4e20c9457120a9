"""Buy till you die: how often customers order, and when they silently leave (BG/NBD, MBG/NBD and simpler)."""

from crm_lib.analysis.btyd.fit import FEWEST_REPEATERS, fit, log_likelihood
from crm_lib.analysis.btyd.formulas import (
    BG,
    CONSTANT,
    KINDS,
    MBG,
    NBD,
    Parameters,
    expected_orders,
    expected_orders_of_new,
    next_order_time,
    orders_if_alive,
    p_alive,
    p_buy,
)
from crm_lib.analysis.btyd.model import UNIT_DAYS, PurchaseModel, compare

__all__ = [
    "BG",
    "CONSTANT",
    "FEWEST_REPEATERS",
    "KINDS",
    "MBG",
    "NBD",
    "UNIT_DAYS",
    "Parameters",
    "PurchaseModel",
    "compare",
    "expected_orders",
    "expected_orders_of_new",
    "fit",
    "log_likelihood",
    "next_order_time",
    "orders_if_alive",
    "p_alive",
    "p_buy",
]
