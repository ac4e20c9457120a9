import pytest

from crm_lib.theme import words
from crm_lib.theme.typesetting import chinese


@pytest.mark.parametrize(
    ("pieces", "said"),
    [
        ("第一句。 第二句。", "第一句。第二句。"),
        ("第一句。 **第二句**。", "第一句。**第二句**。"),
        ("**没有展示。** 这是更好的工具。", "**没有展示。**这是更好的工具。"),
        ("187个商机; 其中30个停滞; 赢单率为35%.", "187个商机；其中30个停滞；赢单率为35%。"),
        ("区域, 城市", "区域、城市"),
        ("沉默90天, 10个订单", "沉默90天、10个订单"),
        ("最佳客户 (749)", "最佳客户（749）"),
        ("73% (69%～77%)", "73%（69%～77%）"),
        ("阶段: 35%", "阶段：35%"),
        ("最佳客户 55.6万元", "最佳客户 55.6万元"),
        ("P(购买)", "P(购买)"),
        ("1,234 rows, all fine. Yes (no)", "1,234 rows, all fine. Yes (no)"),
        ("产品\u2068炉, 灶 (新).\u2069最好", "产品\u2068炉, 灶 (新).\u2069最好"),
        ("设置`a, b: 中, 文`即可", "设置`a, b: 中, 文`即可"),
        ("", ""),
    ],
)
def test_pieces_become_a_sentence(pieces, said):
    assert chinese(pieces) == said
    assert chinese(said) == said


def test_english_is_left_alone():
    words.use()
    assert words.typeset("a. b, 第") == "a. b, 第"
