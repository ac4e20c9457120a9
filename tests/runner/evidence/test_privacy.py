import pytest

from crm_lib.errors import ParameterError
from crm_lib.runner.evidence import privacy
from crm_lib.runner.evidence.lint import POLICY
from crm_lib.runner.evidence.lint import problems as page_problems
from crm_lib.runner.kernels import scrubbing
from crm_lib.runner.request.parameters import checked_name

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


SECRET_NAMES = """
    password db_password PGPASSWORD passwd passphrase pass_phrase pwd db_pwd MYSQL_PWD pass_ DB_PASS SMTP_PASS
    DB_PASS_2 key api_key apikey apiKey OPENAI_KEY ENCRYPTION_KEY AWS_ACCESS_KEY_ID API_KEYS token authToken
    CRM_TEST_TOKEN
    secret secrets CLIENT_SECRET AWS_SECRET_ACCESS_KEY auth BASIC_AUTH HTTP_AUTHORIZATION dsn SENTRY_DSN
    DSN_OF_SHOP
    credential credentials GOOGLE_APPLICATION_CREDENTIALS db_url CRM_DATABASE_URL MONGO_URI SSHPASS
"""
PLAIN_NAMES = """
    author authors keyboard OLDPWD SSH_AUTH_SOCK key_column MONKEY turkey hotkeys secretary tokenizer passenger
    pass_rate compass bypass GIT_ASKPASS HOME PATH LANG curl urlaub weights seed horizon_weeks silent_below_share
"""


@pytest.mark.parametrize("name", SECRET_NAMES.split())
def test_a_name_promises_a_secret(name):
    with pytest.raises(ParameterError, match="looks like a secret"):
        checked_name(name)
    assert privacy.secrets_of({name: "hunter22"}) == ("hunter22",)


@pytest.mark.parametrize("name", PLAIN_NAMES.split())
def test_a_name_promises_none(name):
    assert checked_name(name) == name
    assert privacy.secrets_of({name: "hunter22"}) == ()


def test_the_folder_of_the_shell_is_no_secret_though_a_parameter_of_its_name_would_be():
    assert privacy.secrets_of({"PWD": "/srv/shop", "OLDPWD": "/srv/crm"}) == ()


@pytest.mark.parametrize(
    "value", ["1", "true", "True", "basic", "required", "Disabled", "kerberos", "default", " "]
)
def test_common_words_stay_though_the_name_of_their_variable_promises_a_secret(value):
    assert scrubbing.secrets({"SMTP_AUTH": value, "DB_PASS": value}) == ()


@pytest.mark.parametrize("name", ["WAREHOUSE", "CRM_SPARK_ADDRESS", "NOTE"])
def test_an_address_with_a_password_is_secret_whatever_the_name(name):
    known = scrubbing.secrets({name: "see PostgreSQL://reader:pa%40s@db:5432/crm for more"})
    assert "PostgreSQL://reader:pa%40s@db:5432/crm" in known
    assert "pa@s" in known
    assert privacy.secrets_of({name: "https://example.org:8080/a and jo@example.org"}) == ()


def test_a_common_word_as_the_password_of_an_address_leaves_the_word_alone():
    known = scrubbing.secrets({"CACHE": "redis://default:test@cache:6379/0"})
    assert known == ("redis://default:test@cache:6379/0",)


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
