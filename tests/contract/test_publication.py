"""What a topic hands over: written, read again, and refused where no reader should see it."""

import json
import math

import pandas as pd
import pytest

from crm_lib.contract.publication import Figure, Publication, check_publication, read, write
from crm_lib.errors import DataContractError

ORDERS = Figure("orders", 1517.0, "orders", n=2357, low=1411.0, high=1678.0)


def publication(*figures):
    return Publication("clv", figures or (ORDERS,), {"customers": pd.DataFrame({"customer_id": ["0001"]})})


def test_what_is_written_is_read_again(tmp_path):
    given = publication().worded({"orders": "Orders expected"}, "1,517 orders", ("Read with care.",))
    write(given, tmp_path, {"source": "cdnow"})
    again = read(tmp_path, "clv")
    assert again.figures == given.figures
    assert (again.summary, again.notes) == ("1,517 orders", ("Read with care.",))
    assert again.tables["customers"].customer_id.tolist() == ["0001"]


def test_the_file_tells_level_and_data_in_plain_json(tmp_path):
    path = write(publication(), tmp_path, {"source": "cdnow"})
    document = json.loads(path.read_text())
    assert document["about"] == {"source": "cdnow"}
    assert document["figures"][0]["level"] == 0.9
    assert "NaN" not in path.read_text()


def test_a_figure_without_interval_has_no_level():
    assert Figure("customers", 5.0, "customers").level is None


def test_a_figure_is_found_by_name():
    assert publication()["orders"] is ORDERS
    with pytest.raises(KeyError):
        publication()["sales"]


@pytest.mark.parametrize(
    ("figure", "words"),
    [
        (Figure("x", math.nan, "orders"), "clv: figure x holds a value that is not finite."),
        (Figure("x", 1.0, "orders", low=0.0, high=math.inf), "clv: figure x holds a value that is not finite."),
        (Figure("x", 1.0, "orders", low=0.0), "clv: figure x has a broken interval."),
        (Figure("x", 1.0, "orders", low=2.0, high=1.0), "clv: figure x has a broken interval."),
    ],
)
def test_a_figure_that_is_no_figure_is_refused(figure, words):
    with pytest.raises(DataContractError) as caught:
        check_publication(publication(figure))
    assert str(caught.value) == words


def test_a_figure_published_twice_is_refused(tmp_path):
    with pytest.raises(DataContractError, match="figure orders is published twice"):
        write(publication(ORDERS, ORDERS), tmp_path, {})
    assert list(tmp_path.iterdir()) == []
