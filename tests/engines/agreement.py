"""Two publications agree: counts and cents exactly, what is fitted to 1e-6."""

import math

import numpy as np
import pandas as pd

CLOSE = 1e-6


def assert_same(expected, found):
    """Figures, sentences and tables."""
    assert [f.name for f in found.figures] == [f.name for f in expected.figures]
    differ = [f"{a} -> {b}" for a, b in zip(expected.figures, found.figures, strict=True) if not same_figure(a, b)]
    assert not differ
    assert (found.summary, found.notes) == (expected.summary, expected.notes)
    assert list(found.tables) == list(expected.tables)
    for name, table in expected.tables.items():
        assert_same_table(table, found.tables[name], name)


def same_figure(a, b):
    """Names, units, counts and cents exactly; what is fitted to 1e-6."""
    told = (a.name, a.unit, a.n, a.words) == (b.name, b.unit, b.n, b.words)
    return told and all(same(getattr(a, c), getattr(b, c)) for c in ("value", "low", "high"))


def same(a, b):
    """Exactly where there are no more than two places, else nearly."""
    if a is None or b is None:
        return a is b
    return a == b if a == round(a, 2) else math.isclose(a, b, rel_tol=CLOSE, abs_tol=1e-9)


def assert_same_table(a, b, name):
    """Columns, rows and what is in them; numbers as in figures."""
    assert (list(a.columns), len(a)) == (list(b.columns), len(b)), name
    for column in a.columns:
        one, other = a[column], b[column]
        if pd.api.types.is_float_dtype(one):
            x, y = one.to_numpy(float), other.to_numpy(float)
            exactly = np.nan_to_num(x) == np.nan_to_num(x).round(2)
            assert np.array_equal(x[exactly], y[exactly], equal_nan=True), f"{name}.{column}"
            np.testing.assert_allclose(y, x, rtol=CLOSE, atol=1e-9, err_msg=f"{name}.{column}")
        else:
            assert one.astype("object").where(one.notna(), None).tolist() == (
                other.astype("object").where(other.notna(), None).tolist()
            ), f"{name}.{column}"
