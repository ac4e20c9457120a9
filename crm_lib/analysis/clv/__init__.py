"""Customer value: what today's customers will bring, who may be lost, and how far to trust the forecast."""

from crm_lib.analysis.clv.figures import figures
from crm_lib.analysis.clv.forecast import Forecast, Outlook, forecast
from crm_lib.analysis.clv.holdout import HoldOut
from crm_lib.analysis.clv.options import Options
from crm_lib.analysis.clv.profit import Costs
from crm_lib.analysis.clv.recomputed import Recomputed, recomputed
from crm_lib.analysis.clv.value import by_month

__all__ = [
    "Costs",
    "Forecast",
    "HoldOut",
    "Options",
    "Outlook",
    "Recomputed",
    "by_month",
    "figures",
    "forecast",
    "recomputed",
]
