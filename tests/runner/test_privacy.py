import pytest

from crm_lib.runner import privacy
from crm_lib.runner.lint import POLICY
from crm_lib.runner.lint import problems as page_problems

PHONES = [
    "13812345678",
    "+86 138 1234 5678",
    "138-1234-5678",
    "010-62751234",
    "+49 30 901820 12",
    "(212) 555-0123",
]
SECRETS = [
    "AKIAIOSFODNN7EXAMPLE",
    "ghp_0123456789abcdefghijABCDEFGHIJ012345",
    "postgresql://crm:hunter2@db.example.org/crm",
    "password=hunter22",
    "-----BEGIN PRIVATE KEY-----",
]
HARMLESS = [
    "1,381,234,567 orders",
    "CN¥13,812,345,678",
    "−9,582.4",
    "data up to 2026-10-31",
    "C00010",
    "fe39fff8d164",
    "see example.org",
    "0.13812345678",
    "n = 2,357",
    "5–9 @ home",
    "from 1,411 – 1,678",
    "https://example.org/a",
    "2026-10-31 12:00:00",
]


@pytest.mark.parametrize("text", PHONES)
def test_a_phone_number_is_found(text):
    assert privacy.problems([("", f"call {text}!")]) == ["it shows what looks like a phone number"]


@pytest.mark.parametrize("text", SECRETS)
def test_a_secret_is_found(text):
    assert "it shows what looks like a secret" in privacy.problems([("", f"with {text} in it")])


def test_an_address_and_an_identity_number_are_found():
    found = privacy.problems([("", "jo.smith+crm@mail.example.com, 11010519491231002X")])
    assert found == ["it shows what looks like an e-mail address", "it shows what looks like an identity number"]


@pytest.mark.parametrize("text", HARMLESS)
def test_numbers_of_a_report_are_no_phone_numbers(text):
    assert privacy.problems([("", text)]) == []


def test_the_words_say_how_often_and_where_but_never_the_number():
    (said,) = privacy.problems([("Who?", "13812345678 and 13912345678"), ("Where?", "13712345678")])
    assert said == "it shows what looks like a phone number, 3 times, first under “Who?”"


def test_ids_that_look_like_phone_numbers_can_be_allowed():
    texts = [("", "13812345678")]
    assert privacy.problems(texts, phone_like_ids=True) == []
    assert privacy.problems([("", "+86 13812345678")], phone_like_ids=True) != []


def test_values_of_secret_variables_are_found_whatever_they_look_like():
    named = {"CRM_DATABASE_URL": "db://x", "MY_TOKEN": "plainword", "HOME": "/root", "API_KEY": "short"}
    named["CRM_SPARK_ADDRESS"] = "sc://host:443/;use_ssl=true;token=some%20token;user_id=me"
    known = privacy.secrets_of(named)
    assert known == ("some%20token", "some token", "plainword", "db://x")
    assert privacy.problems([("", "it is plainword")], known) == ["it shows what looks like a secret"]


@pytest.mark.parametrize("text", [*PHONES, *SECRETS, "jo@example.org"])
def test_a_scrubbed_text_is_clean(text):
    assert privacy.problems([("", privacy.scrub(f"see {text}."))]) == []


def page(body):
    return (
        f'<!doctype html><html lang="en"><head><meta http-equiv="Content-Security-Policy" content="{POLICY}">'
        f"<title>t</title></head><body><h1>Q</h1>{body}</body></html>"
    )


@pytest.mark.parametrize(
    "body",
    [
        "<h2>Who <b>scores</b>?</h2><table><tr><td>13812345678</td></tr></table>",
        "<h2>Who scores?</h2><p>138<b>12345678</b></p>",
        '<h2>Who scores?</h2><img alt="call 13812345678" src="data:image/png;base64,AA">',
    ],
)
def test_a_page_is_read_as_a_reader_reads_it(body):
    assert page_problems(page(body)) == ["it shows what looks like a phone number, under “Who scores?”"]


def test_numbers_of_two_cells_are_not_one_number():
    assert page_problems(page("<table><tr><td>138</td><td>12345678</td></tr></table>")) == []


def test_a_picture_is_no_text():
    assert page_problems(page('<img alt="A chart of it" src="data:image/png;base64,13812345678">')) == []
