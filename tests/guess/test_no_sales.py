"""Rows that are no sales are left out, told or asked about; money is never counted wrongly in silence."""

import pytest

from crm_lib.errors import DataContractError

HEAD = "序号,客户编号,下单时间,订单金额\n"
LINES = "".join(f"{i},K{i % 4},2026-01-{i:02d},{i}.00\n" for i in range(1, 21))
STATE_HEAD = "客户编号,下单时间,订单金额,订单状态\n"


def with_states(*states, amount="10.00"):
    return STATE_HEAD + "".join(f"K{i % 3},2026-01-{i + 1:02d},{amount},{s}\n" for i, s in enumerate(states))


def notes(proposal):
    return "\n".join(proposal.tables[0].notes)


def test_a_line_of_totals_in_a_column_of_numbers_is_left_out(proposed):
    table = proposed({"订单.csv": HEAD + LINES + "合 计：,,,210.00\n"}).tables[0]
    assert table.leave_out == {"序号": ("合 计：",)}
    assert not any("follow no one form" in n for n in table.notes)


def test_a_line_of_totals_in_the_day_of_a_short_table_is_left_out(proposed):
    table = proposed({"订单.csv": HEAD + LINES + ",,Grand Total,210.00\n"}).tables[0]
    assert table.leave_out == {"下单时间": ("Grand Total",)}


def test_a_product_called_total_stays_a_sale(proposed):
    rows = "".join(f"K{i % 4},2026-01-{i:02d},{i}.00,{'Total' if i % 2 else 'Care'}\n" for i in range(1, 21))
    table = proposed({"orders.csv": "Customer ID,Order Date,Amount,Brand\n" + rows}).tables[0]
    assert table.leave_out == {}


def test_numbers_of_a_survey_beside_a_word_are_no_error(proposed):
    rows = "".join(f"{i},K{i},2026-01-05,{i % 10},{i % 5 + 1},{i % 5 + 1},{i % 5 + 1}\n" for i in range(1, 50))
    head = "答卷编号,客户编号,发送时间,NPS,服务,价格,送货\n"
    proposal = proposed({"问卷.csv": head + rows + "50,K1,2026-01-06,3,弃答,2,3\n"})
    assert [q.key for q in proposal.questions] == ["问卷.csv:aspects"]


@pytest.mark.parametrize("word", ["已退款", "退款成功", "全额退款", "已取消", "refunded", "Returned", "VOIDED"])
def test_refunded_and_cancelled_orders_are_left_out(proposed, word):
    table = proposed({"订单.csv": with_states("已完成", word, "已完成", "交易成功")}).tables[0]
    assert table.leave_out == {"订单状态": (word,)}


def test_states_that_say_neither_are_told(proposed):
    proposal = proposed({"订单.csv": with_states("已完成", "部分退款", "部分退款", "已完成")})
    assert proposal.tables[0].leave_out == {}
    assert "订单状态: rows with 部分退款 (2) count as sales." in notes(proposal)


def test_states_of_a_country_are_not_told(proposed):
    rows = "".join(f"K{i % 3},2026-01-0{i},9.00,{state}\n" for i, state in enumerate(("NY", "CA", "TX"), 1))
    proposal = proposed({"orders.csv": "Customer ID,Order Date,Amount,State\n" + rows})
    assert "count as sales" not in notes(proposal)


def test_refunded_orders_beside_refunds_below_zero_are_asked_about(proposed):
    text = with_states("已完成", "已退款", "已完成") + "K1,2026-02-01,-10.00,已完成\n"
    (question,) = proposed({"订单.csv": text}).questions
    assert question.key == "订单.csv:refunded"
    assert proposed({}, {"refunded": "keep"}).tables[0].leave_out == {}
    assert proposed({}, {"refunded": "leave_out"}).tables[0].leave_out == {"订单状态": ("已退款",)}


def test_refunds_in_a_column_of_their_own_are_told(proposed):
    head = "客户编号,下单时间,实付金额,退款金额\n"
    proposal = proposed({"a.csv": head + "K1,2026-01-05,9.00,0.00\nK1,2026-01-06,9.00,3.00\n"})
    assert "退款金额 is not used: 1 row holds a refund there" in notes(proposal)
    assert "退款金额 is" not in notes(proposed({"a.csv": head + "K1,2026-01-05,9.00,0.00\n"}))


def lines_of_orders(amount):
    rows = [
        f"D{i},K{i % 3},2026-01-{i + 1:02d},{amount(i, line)},SKU{line}\n"
        for i in range(9)
        for line in range(1 + i % 3)
    ]
    return "订单编号,客户编号,下单时间,订单金额,商品编号\n" + "".join(rows)


def test_the_amount_of_an_order_on_each_of_its_lines_is_asked_about(proposed):
    (question,) = proposed({"订单.csv": lines_of_orders(lambda i, line: 10 + i)}).questions
    assert question.key == "订单.csv:amount_of"
    assert proposed({}, {"amount_of": "line"}).questions == ()
    with pytest.raises(DataContractError, match="amount of the whole order on each of its lines"):
        proposed({}, {"amount_of": "order"})


def test_lines_of_an_order_with_amounts_of_their_own_are_added_up(proposed):
    assert proposed({"订单.csv": lines_of_orders(lambda i, line: 10 + i + line)}).questions == ()


def test_a_column_of_currencies_is_asked_about_and_declared(proposed):
    rows = "".join(f"K{i},2026-01-0{i},9.00,{c}\n" for i, c in enumerate(("CNY", "人民币", "USD"), 1))
    text = "客户编号,下单时间,实付金额,币种\n" + rows
    (question,) = proposed({"订单.csv": text}).questions
    assert "2 in CNY, 1 in USD" in question.words
    table = proposed({}, {"currency": "CNY"}).tables[0]
    assert (table.currency, table.currency_column) == ("CNY", "币种")
