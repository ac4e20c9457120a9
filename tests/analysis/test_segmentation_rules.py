import pandas as pd
import pytest

from crm_lib.analysis import segmentation


def holds(rule, code):
    r, f, m = (int(digit) for digit in code)
    return eval(rule.holds, {}, {"r": r, "f": f, "m": m})


def test_every_code_is_in_exactly_one_segment_and_the_first_match_wins():
    codes = segmentation.every_code()
    assert len(codes) == codes["code"].nunique() == 125
    for code, segment in zip(codes["code"], codes["segment"], strict=True):
        assert next(rule.segment for rule in segmentation.RULES if holds(rule, code)) == segment


def test_every_segment_has_codes_and_a_name_of_its_own():
    assert len(set(segmentation.SEGMENTS)) == len(segmentation.RULES)
    assert set(segmentation.every_code()["segment"]) == set(segmentation.SEGMENTS)


@pytest.mark.parametrize(
    ("code", "segment"),
    [
        ("555", "best"),
        ("444", "best"),
        ("415", "big_spenders"),
        ("551", "loyal"),
        ("533", "growing"),
        ("511", "promising"),
        ("355", "slipping"),
        ("255", "slipping"),
        ("155", "gone_quiet"),
        ("333", "steady"),
        ("151", "fading"),
        ("111", "passing_by"),
    ],
)
def test_codes_everyone_knows_are_where_they_belong(code, segment):
    codes = segmentation.every_code().set_index("code")
    assert codes.loc[code, "segment"] == segment


def test_more_money_never_leaves_a_slipping_segment():
    codes = segmentation.every_code()
    slipping = codes["segment"].isin(segmentation.SLIPPING)
    assert (slipping == ((codes["r"] <= 3) & (codes["m"] >= 4))).all()


def test_customers_are_put_where_their_code_is():
    codes = segmentation.every_code().sample(frac=1, random_state=1)
    found = segmentation.segment(codes[["r", "f", "m"]])
    pd.testing.assert_series_equal(found, codes["segment"].astype("str"), check_names=False)
