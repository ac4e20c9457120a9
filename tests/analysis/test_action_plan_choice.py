import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import Bounds, LinearConstraint, milp

from crm_lib.analysis.action_plan import choice, guard, holdout
from crm_lib.analysis.action_plan.chance import uniform
from crm_lib.contract.settings import Channel, Guard, Play

NAMES = ("phone", "e-mail")


def drawn(seed, n, n_plays, budgets, per_owner, *, held=0.0):
    """A random problem with two channels and three owners."""
    rng = np.random.default_rng(seed)
    channels = {name: Channel(b, h) for name, b, h in zip(NAMES, budgets, per_owner, strict=True)}
    named = [
        Play(f"p{j}", channel=NAMES[j % 2], cost=float(rng.choice([0.5, 3.33, 12.0, 30.0])))
        for j in range(n_plays)
    ]
    worth = rng.gamma(1.5, 600, n)
    rise = rng.uniform(0.005, 0.08, n_plays)
    gain = worth[:, None] * rise[None, :] - np.array([p.cost for p in named])[None, :]
    allowed = rng.random((n, n_plays)) < 0.6
    owners = rng.integers(0, 3, n)
    uses = rng.random((n, n_plays)) >= held
    tie = uniform([str(i) for i in range(n)], seed)
    return choice.problem(named, channels, owners, gain, allowed, uses, tie)


def used(asked, made):
    rows = np.flatnonzero(made.play != choice.NOBODY)
    plays = made.play[rows]
    uses = asked.uses[rows, plays].astype(np.int64)
    money = np.bincount(asked.channel[plays], asked.cost_cents[plays] * uses, len(asked.budget_cents))
    hands = np.bincount(asked.slot[rows, plays], uses, len(asked.hands))
    return rows, plays, money, hands


money = st.one_of(st.none(), st.floats(0, 3000).map(lambda x: round(x, 2)))
hands = st.one_of(st.none(), st.integers(0, 40))


@settings(max_examples=150, deadline=None)
@given(
    st.integers(0, 10**6),
    st.integers(1, 300),
    st.integers(1, 6),
    st.tuples(money, money),
    st.tuples(hands, hands),
    st.sampled_from([0.0, 0.3]),
)
def test_no_budget_and_nobodys_hands_are_exceeded_and_nobody_is_chosen_who_may_not(seed, n, k, budgets, per, held):
    asked = drawn(seed, n, k, budgets, per, held=held)
    made = choice.choose(asked)
    rows, plays, spent, busy = used(asked, made)
    limited = asked.budget_cents >= 0
    assert (spent[limited] <= asked.budget_cents[limited]).all()
    assert (busy[asked.hands >= 0] <= asked.hands[asked.hands >= 0]).all()
    assert asked.allowed[rows, plays].all()
    assert (asked.gain[rows, plays] > 0).all()
    assert choice.brought(asked, made) <= choice.bound(asked, made) + 1e-6


def exact(asked):
    """The best there is, by integer programming."""
    n = len(asked.gain)
    pairs = np.argwhere(asked.allowed)
    if not len(pairs):
        return 0.0
    value = asked.gain[pairs[:, 0], pairs[:, 1]]
    cost = asked.cost_cents[pairs[:, 1]]
    rows = [np.equal.outer(np.arange(n), pairs[:, 0]).astype(float)]
    limits = [np.ones(n)]
    for c in np.flatnonzero(asked.budget_cents >= 0):
        rows.append(((asked.channel[pairs[:, 1]] == c) * cost)[None, :].astype(float))
        limits.append([asked.budget_cents[c]])
    slot = asked.slot[pairs[:, 0], pairs[:, 1]]
    for s in np.flatnonzero(asked.hands >= 0):
        rows.append((slot == s)[None, :].astype(float))
        limits.append([asked.hands[s]])
    found = milp(
        -value,
        constraints=LinearConstraint(np.vstack(rows), ub=np.concatenate(limits)),
        integrality=np.ones(len(pairs)),
        bounds=Bounds(0, 1),
    )
    return float(-found.fun)


def test_the_greedy_choice_comes_near_the_exact_one():
    """On lists this short a single contact weighs some per cent; the bound holds however short."""
    shares = []
    for seed in range(12):
        per = [(None, None), (6, None), (4, 9)][seed % 3]
        asked = drawn(seed, 150, 5, (400.0, 120.0), per)
        best, found = exact(asked), choice.choose(asked)
        shares.append(choice.brought(asked, found) / best)
        assert choice.bound(asked, found) >= best - 1e-6
    assert max(shares) <= 1 + 1e-9
    assert min(shares) >= 0.90
    assert np.mean(shares) >= 0.96


def test_with_enough_money_everyone_gets_their_best_play():
    asked = drawn(3, 100, 4, (None, None), (None, None))
    made = choice.choose(asked)
    best = np.where(asked.allowed, asked.gain, -np.inf)
    there = asked.allowed.any(axis=1)
    assert (made.play[there] == best[there].argmax(axis=1)).all()
    assert (made.money_price == 0).all()


def test_the_price_of_a_channel_foretells_what_a_little_more_budget_brings():
    asked = drawn(5, 20_000, 4, (20_000.0, 3_000.0), (None, None))
    made = choice.choose(asked)
    for c in (0, 1):
        more = choice.brought(asked.scaled(1.02, c), choice.choose(asked.scaled(1.02, c))) - choice.brought(
            asked, made
        )
        assert more == pytest.approx(made.money_price[c] * asked.budget_cents[c] / 100 * 0.02, rel=0.25)


def test_whoever_is_held_out_would_have_been_chosen_just_as_well():
    asked = drawn(7, 20_000, 3, (20_000.0, 3_000.0), (None, None), held=0.3)
    made = choice.choose(asked)
    rows = np.flatnonzero(made.play != choice.NOBODY)
    held = ~asked.uses[rows, made.play[rows]]
    gains = asked.gain[rows, made.play[rows]]
    assert held.mean() == pytest.approx(0.3, abs=0.02)
    assert gains[held].mean() == pytest.approx(gains[~held].mean(), rel=0.05)


def test_the_same_customers_in_another_order_get_the_same_plays():
    asked = drawn(11, 500, 4, (900.0, 200.0), (5, None), held=0.2)
    turned = np.random.default_rng(1).permutation(500)
    assert (choice.choose(asked.rows(turned)).play == choice.choose(asked).play[turned]).all()


flags = st.lists(st.tuples(*[st.booleans()] * 5, st.integers(0, 5), st.integers(0, 60)), min_size=1, max_size=60)


@settings(max_examples=100, deadline=None)
@given(flags, st.floats(0, 0.5), st.integers(1, 4))
def test_the_guard_lets_nobody_through_whom_a_rule_protects(rows, share, cap):
    names = ["consent", "unsubscribed", "in_campaign", "complaint_open", "fits", "contacts_7", "days_since_last"]
    frame = pd.DataFrame(rows, columns=names).assign(customer_id=[f"c{i}" for i in range(len(rows))])
    rules = Guard(caps={"7": cap}, global_holdout_share=share, after_purchase_days=10)
    play = Play("p", channel="e-mail")
    found = guard.guarded(frame, [play], frame[["fits"]].to_numpy(), rules)
    let = frame[found.allowed[:, 0]]
    assert let["fits"].all()
    assert let["consent"].all()
    assert not (let["unsubscribed"] | let["in_campaign"] | let["complaint_open"]).any()
    assert (let["contacts_7"] < cap).all()
    assert (let["days_since_last"] >= 10).all()
    assert not guard.in_global_holdout(let["customer_id"], share).any()
    assert len(let) + found.report["n"].sum() == frame["fits"].sum()


def test_power_agrees_with_the_textbook_and_the_size_is_the_smallest_that_suffices():
    assert holdout.power(0.02, 0.10, 3841, 3841) == pytest.approx(0.88, abs=0.01)  # 80 % at 95 %, Fleiss
    size = holdout.size(20_000, 0.02, 0.10, 0.05, 0.5)
    assert size.enough
    assert not holdout.size(20_000, 0.02, 0.10, 0.05, size.share - 0.01).enough
    assert holdout.power(size.detectable, 0.10, 20_000 * (1 - size.share), 20_000 * size.share) >= 0.8


def test_a_list_too_short_to_compare_holds_out_the_least():
    assert holdout.size(60, 0.05, 0.1, 0.1, 0.4).share == 0.1
    assert holdout.size(200, 0.05, 0.1, 0.1, 0.4).share == 0.4


def test_arms_are_drawn_by_id_and_as_often_as_asked():
    ids = np.array([f"c{i}" for i in range(50_000)], dtype=object)
    held = holdout.held_out(ids, "mail", "2026-10-31", 7, 0.2)
    assert held.mean() == pytest.approx(0.2, abs=0.01)
    other = holdout.held_out(ids, "mail", "2027-01-31", 7, 0.2)
    assert (held & other).mean() == pytest.approx(0.04, abs=0.005)
