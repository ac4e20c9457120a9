"""Customer value: what today's customers will bring, who may be lost, and how far to trust the forecast."""

from crm_lib.analysis.clv.figures import figures, published
from crm_lib.analysis.clv.forecast import Forecast, Outlook, forecast, widened
from crm_lib.analysis.clv.holdout import HoldOut
from crm_lib.analysis.clv.options import Options

__all__ = [
    "Forecast",
    "HoldOut",
    "Options",
    "Outlook",
    "figures",
    "forecast",
    "published",
    "widened",
]
