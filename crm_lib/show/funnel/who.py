"""Who and what converts better than the rest."""

from __future__ import annotations

import pandas as pd

from crm_lib.analysis.funnel import Pipeline
from crm_lib.show.charts import Labels, bars
from crm_lib.show.funnel.said import bounds
from crm_lib.show.parts import Part, note, render, sentence, together
from crm_lib.show.tables import Field, table
from crm_lib.theme.words import clean, name, ngettext, number, percent, points, shorten
from crm_lib.theme.words import gettext as _

_MOST_BARS = 15


def who(result: Pipeline) -> Part:
    """Win rates by owner, source, region and product, each against the rest; refused where too few have closed."""
    if not result.groups:
        text = _(
            "Nothing is compared: that needs two owners, sources, regions or products with {n} closed deals each."
        )
        return note(text.format(n=number(result.compare_from)))
    folds = [
        render("rows", summary=_group_title(column, frame[frame["stands_out"]]), parts=(part,), warn=False)
        for column, frame in result.groups.items()
        if not frame["stands_out"].any()
        for part in [together(_group_table(frame, column), sentence(_small(result, frame)))]
    ]
    charts = [
        _group(result, column, frame) for column, frame in result.groups.items() if frame["stands_out"].any()
    ]
    return together(_overview(result), *charts, *folds)


def _dimensions() -> dict[str, str]:
    return {"owner": _("Owner"), "source": _("Source"), "region": _("Region"), "product": _("Product")}


def _overview(result: Pipeline) -> Part:
    rows = []
    for column, frame in result.groups.items():
        compared = frame[frame["share"].notna()]
        best, last = compared.iloc[0], compared.iloc[-1]
        rows.append(
            {
                "by": _dimensions()[column],
                "best": _named(best),
                "last": _named(last),
                "n": len(compared),
                "apart": int(compared["stands_out"].sum()),
                "small": len(frame) - len(compared),
            }
        )
    fields = [
        Field("by", _("By")),
        Field("best", _("Highest")),
        Field("last", _("Lowest")),
        Field("n", _("Compared"), number),
        Field("apart", _("Stand out"), number),
        Field("small", _("Too few deals"), number),
    ]
    foot = _(
        "Highest and lowest are chance unless a group stands out; fewer than {n} closed deals are not compared."
    )
    caption = _("Win rate of closed deals, each group against all the others")
    return table(pd.DataFrame(rows), fields, caption, foot.format(n=number(result.compare_from)))


def _named(row: pd.Series) -> str:
    return _("{name}, {share}").format(name=shorten(clean(row["name"]), 24), share=percent(row["share"]))


def _group(result: Pipeline, column: str, frame: pd.DataFrame) -> Part:
    compared = frame[frame["share"].notna()]
    shown = pd.concat([compared.head(_MOST_BARS - 5), compared.tail(5)]).drop_duplicates("name")
    shown = shown if len(compared) > _MOST_BARS else compared
    shown = shown.assign(label=[clean(n) for n in shown["name"]])
    apart = compared[compared["stands_out"]]
    labels = Labels(
        _group_title(column, apart),
        _group_subtitle(column, len(shown), len(compared)),
        "; ".join(f"{row.label}: {percent(row.share)}" for row in shown.itertuples()),
    )
    chart = bars(
        shown,
        "label",
        "share",
        labels,
        percent,
        low="low",
        high="high",
        highlight=[clean(n) for n in apart["name"]],
        sideways=True,
        numbers=_group_table(frame, column),
    )
    return together(chart, sentence(_small(result, frame)))


def _small(result: Pipeline, frame: pd.DataFrame) -> str:
    n_small = int(frame["share"].isna().sum())
    text = ngettext(
        "{n} with fewer than {least} closed deals is not compared.",
        "{n} with fewer than {least} closed deals are not compared.",
        n_small,
    )
    return text.format(n=number(n_small), least=number(result.compare_from)) if n_small else ""


def _group_title(column: str, apart: pd.DataFrame) -> str:
    if apart.empty:
        nobody = {
            "owner": _("No owner stands out from the rest"),
            "source": _("No source stands out from the rest"),
            "region": _("No region stands out from the rest"),
            "product": _("No product stands out from the rest"),
        }
        return nobody[column]
    first = apart.loc[apart["difference"].abs().idxmax()]
    which, by = name(first["name"], 24), points(first["difference"], 0)
    return _("{name}: {points} against the rest").format(name=which, points=by)


def _group_subtitle(column: str, n_shown: int, n_all: int) -> str:
    what = {
        "owner": _("Win rate of closed deals by owner, with 90 % intervals"),
        "source": _("Win rate of closed deals by source, with 90 % intervals"),
        "region": _("Win rate of closed deals by region, with 90 % intervals"),
        "product": _("Win rate of closed deals by product, with 90 % intervals"),
    }[column]
    if n_shown == n_all:
        return what
    return _("{what}; best and last of {n}").format(what=what, n=number(n_all))


def _group_table(frame: pd.DataFrame, column: str) -> Part:
    label = _dimensions()[column]
    shown = frame.assign(
        bounds=bounds(frame),
        apart=[
            _("{low} to {high}").format(low=points(low), high=points(high)) if not pd.isna(low) else None
            for low, high in zip(frame["diff_low"], frame["diff_high"], strict=True)
        ],
    )
    fields = [
        Field("name", label),
        Field("n", _("Closed"), number),
        Field("share", _("Won"), percent),
        Field("bounds", _("90 % interval"), str),
        Field("difference", _("Against the rest"), points),
        Field("apart", _("90 % interval of the difference"), str),
    ]
    foot = _(
        "A group stands out when it differs from the rest after correction for the number of all groups compared "
        "on this page (Holm)."
    )
    return table(shown, fields, _("Win rates, best first"), foot)
