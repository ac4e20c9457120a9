"""What customers say: surveys with scores per aspect, and cases."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from scipy.special import expit, ndtri

from crm_lib.sources.sample import columns as col
from crm_lib.sources.sample.names import COMMENTS, PRODUCTS
from crm_lib.sources.sample.purchases import Ledger, id_width
from crm_lib.sources.sample.truth import N_DAYS, Voices

KINDS = ("complaint", "failure", "return", "question")
SEVERITIES = ("low", "medium", "high")
OUTCOMES = ("resolved", "replaced", "refunded", "rejected")
_OUTCOME_SHARES = ((0.62, 0.08, 0.14, 0.16), (0.58, 0.34, 0.03, 0.05), (0.0, 0.0, 1.0, 0.0), (1.0, 0.0, 0.0, 0.0))


@dataclass(frozen=True)
class Answers:
    """What everyone asked would say, whether or not they answer: rows are surveys, columns aspects."""

    customer: np.ndarray
    asked: np.ndarray
    touchpoint: np.ndarray
    answered: np.ndarray
    expected: np.ndarray
    perceived: np.ndarray
    nps: np.ndarray
    csat: np.ndarray
    ces: np.ndarray
    walked_away: np.ndarray
    value_score: np.ndarray


def value_scores(ledger: Ledger, n_customers: int) -> np.ndarray:
    """Normal score of the rank of each customer's spend: what non-response and mood depend on."""
    spend = np.bincount(ledger.orders.customer, ledger.orders.cents, n_customers)
    rank = np.argsort(np.argsort(spend, kind="stable"), kind="stable")
    return ndtri((rank + 0.5) / n_customers)


def answers(rng: np.random.Generator, truth: Voices, ledger: Ledger, n_customers: int) -> Answers:
    """Ask customers drawn at random about a touchpoint after one of their orders."""
    z = value_scores(ledger, n_customers)
    mood = truth.mood_loading * z + np.sqrt(1 - truth.mood_loading**2) * rng.standard_normal(n_customers)
    customer, touchpoint, asked = _asked(rng, truth, ledger, n_customers)
    n, aspects = len(customer), truth.aspects
    shift = np.array([t.shift for t in truth.touchpoints])[touchpoint]
    felt = truth.mood_on_score * mood[customer] + shift
    noise = truth.score_sd * rng.standard_normal((2, n, len(aspects)))
    expected = np.array([a.expected_mean for a in aspects]) + noise[0]
    perceived = np.array([a.perceived_mean for a in aspects]) + felt[:, None] + noise[1]
    answer_share = expit(truth.answer_intercept + truth.answer_slope * z[customer])
    delay = np.where(rng.random(n) < answer_share, rng.exponential(2.5, n), np.inf)
    away = rng.random(n) < np.array([t.walked_away_share for t in truth.touchpoints])[touchpoint]
    return Answers(
        customer,
        asked,
        touchpoint,
        asked + delay,
        _scale(expected, 1, 10),
        _scale(perceived, 1, 10),
        _scale(7.9 + 1.3 * felt + 1.4 * rng.standard_normal(n) - 4 * away, 0, 10),
        _scale(3.9 + 0.5 * felt + 0.7 * rng.standard_normal(n) - 1.5 * away, 1, 5),
        _scale(5.2 + 0.6 * felt + 1.0 * rng.standard_normal(n) - 1.5 * away, 1, 7),
        away,
        z[customer],
    )


def _asked(
    rng: np.random.Generator, truth: Voices, ledger: Ledger, n_customers: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Customer, touchpoint and time of each survey, sorted by time; none is asked after the last day."""
    n = round(truth.asked_per_customer * n_customers)
    customer = rng.integers(0, n_customers, n)
    by_customer = np.argsort(ledger.orders.customer, kind="stable")
    edges = np.searchsorted(ledger.orders.customer[by_customer], np.arange(n_customers + 1))
    nth = np.floor(rng.random(n) * np.diff(edges)[customer]).astype(np.int64)
    day = ledger.orders.day[by_customer[edges[customer] + nth]]
    touchpoint = col.choose(rng, tuple(t.share for t in truth.touchpoints), n)
    after = np.array([t.days_after_order for t in truth.touchpoints])[touchpoint]
    asked = day + after + rng.integers(0, 5, n) + rng.random(n)
    kept = np.flatnonzero(asked < N_DAYS)
    kept = kept[np.argsort(asked[kept], kind="stable")]
    return customer[kept], touchpoint[kept], asked[kept]


def _scale(latent: np.ndarray, lowest: int, highest: int) -> np.ndarray:
    return np.clip(np.rint(latent), lowest, highest).astype(np.int64)


def survey_table(rng: np.random.Generator, truth: Voices, said: Answers, n_customers: int) -> pa.Table:
    """The surveys table, answered or not."""
    n = len(said.customer)
    silent = ~(said.answered < N_DAYS)
    quiet = silent | (rng.random(n) >= truth.comment_share)
    no_nps = silent | (rng.random(n) < 0.02)
    return pa.table(
        {
            "response_id": col.ids("R", np.arange(1, n + 1), id_width(n)),
            "asked_at": col.times(said.asked),
            "customer_id": col.ids("C", said.customer + 1, id_width(n_customers)),
            "touchpoint": col.pick(tuple(t.name for t in truth.touchpoints), said.touchpoint),
            "answered_at": col.times(said.answered, silent),
            "nps": col.counts(said.nps, no_nps),
            "csat": col.counts(said.csat, silent),
            "ces": col.counts(said.ces, silent),
            "walked_away": pa.array(said.walked_away, mask=silent),
            "comment": col.pick(COMMENTS, rng.integers(0, len(COMMENTS), n), quiet),
        }
    )


def item_table(rng: np.random.Generator, truth: Voices, said: Answers) -> pa.Table:
    """One row per answered survey and aspect; a few answers are codes that mean "no answer"."""
    row = np.flatnonzero(said.answered < N_DAYS)
    n, n_aspects = len(row), len(truth.aspects)
    scores = []
    for given in (said.expected[row], said.perceived[row]):
        code = np.array(truth.missing_codes)[rng.integers(0, 2, given.shape)]
        scores.append(np.where(rng.random(given.shape) < truth.missing_share, code, given).ravel())
    return pa.table(
        {
            "response_id": col.ids("R", np.repeat(row, n_aspects) + 1, id_width(len(said.customer))),
            "aspect": col.pick(tuple(a.name for a in truth.aspects), np.tile(np.arange(n_aspects), n)),
            "expected": col.counts(scores[0]),
            "perceived": col.counts(scores[1]),
        }
    )


@dataclass(frozen=True)
class Cases:
    """Cases as numbers; products and aspects are -1 where there is none."""

    kind: np.ndarray
    customer: np.ndarray
    opened: np.ndarray
    product: np.ndarray
    aspect: np.ndarray

    @staticmethod
    def of(kind: int, customer: np.ndarray, opened: np.ndarray, product: np.ndarray, aspect: np.ndarray) -> Cases:
        """Cases of one kind."""
        return Cases(np.full(len(customer), kind), customer, opened, product, aspect)


def cases(rng: np.random.Generator, truth: Voices, ledger: Ledger) -> Cases:
    """Complaints and questions about orders, failures of stoves, and a return for each refund; sorted by time."""
    orders, lines = ledger.orders, ledger.lines
    first_line = np.unique(lines.order, return_index=True)[1]
    product = lines.product[first_line]
    n = len(orders)
    parts = []
    for kind, share in ((0, truth.complaint_per_order), (3, truth.question_per_order)):
        row = np.flatnonzero(rng.random(n) < share)
        when = orders.day[row] + 1 + rng.exponential(9, len(row)) + rng.random(len(row))
        aspect = col.choose(rng, tuple(a.complaint_weight for a in truth.aspects), len(row))
        parts.append(
            Cases.of(kind, orders.customer[row], when, product[row], aspect if kind == 0 else aspect * 0 - 1)
        )
    parts.append(_failures(rng, truth, ledger))
    back = ledger.refund_of
    when = ledger.refund_day + rng.random(len(back))
    parts.append(Cases.of(2, orders.customer[back], when, product[back], np.full(len(back), -1)))
    found = Cases(*(np.concatenate(c) for c in zip(*(vars(p).values() for p in parts), strict=True)))
    kept = np.flatnonzero(found.opened < N_DAYS)
    kept = kept[np.argsort(found.opened[kept], kind="stable")]
    return Cases(*(c[kept] for c in vars(found).values()))


def _failures(rng: np.random.Generator, truth: Voices, ledger: Ledger) -> Cases:
    """Each stove line fails at most once, at an exponential time after it was sold."""
    stove = np.flatnonzero(ledger.lines.category == 0)
    failing = [p.product_id for p in PRODUCTS].index(truth.failing_product)
    share = np.where(
        ledger.lines.product[stove] == failing, truth.failure_per_failing_stove, truth.failure_per_stove
    )
    row = stove[rng.random(len(stove)) < share]
    order = ledger.lines.order[row]
    when = ledger.orders.day[order] + 1 + rng.exponential(truth.failure_days_mean, len(row)) + 0.4
    return Cases.of(
        1, ledger.orders.customer[order], when, ledger.lines.product[row], np.zeros(len(row), dtype=np.int64)
    )


def case_table(rng: np.random.Generator, truth: Voices, found: Cases, n_customers: int) -> pa.Table:
    """The cases table; what was closed after the last day is open."""
    n = len(found.kind)
    closed = found.opened + truth.close_days_median * np.exp(truth.close_days_sigma * rng.standard_normal(n))
    still_open = closed >= N_DAYS
    outcome = np.zeros(n, dtype=np.int64)
    for kind, shares in enumerate(_OUTCOME_SHARES):
        rows = found.kind == kind
        outcome[rows] = col.choose(rng, shares, int(rows.sum()))
    return pa.table(
        {
            "case_id": col.ids("K", np.arange(1, n + 1), id_width(n)),
            "kind": col.pick(KINDS, found.kind),
            "opened_at": col.times(found.opened),
            "customer_id": col.ids("C", found.customer + 1, id_width(n_customers)),
            "product_id": col.pick(tuple(p.product_id for p in PRODUCTS), found.product),
            "aspect": col.pick(tuple(a.name for a in truth.aspects), found.aspect, found.aspect < 0),
            "severity": col.pick(SEVERITIES, col.choose(rng, (0.5, 0.36, 0.14), n)),
            "closed_at": col.times(closed, still_open),
            "outcome": col.pick(OUTCOMES, outcome, still_open),
        }
    )
