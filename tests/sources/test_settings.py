"""crm.toml: what it may say, and what is said of a mistake in it."""

import pytest

from crm_lib.contract.settings import PublishedFigure, Scale
from crm_lib.errors import ConfigError
from crm_lib.sources import default_source, names, root, tables_of
from crm_lib.sources.settings import read_config


def refused(project, body="", head=""):
    project.configure(body, head)
    with pytest.raises(ConfigError) as caught:
        read_config()
    return str(caught.value)


def test_the_file_is_found_upward_from_the_working_folder(project, monkeypatch):
    deep = project.root / "notebooks" / "scratch"
    deep.mkdir(parents=True)
    monkeypatch.chdir(deep)
    assert root() == project.root
    assert names() == ["shop"]
    assert default_source() == "shop"


def test_the_environment_may_name_the_file(project, monkeypatch, tmp_path_factory):
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    monkeypatch.chdir(elsewhere)
    monkeypatch.setenv("CRM_CONFIG", str(project.root / "crm.toml"))
    assert root() == project.root


def test_no_file_anywhere_says_what_to_do(project, monkeypatch):
    (project.root / "crm.toml").unlink()
    with pytest.raises(ConfigError, match=r"no crm\.toml in .* Run inside the project, or set CRM_CONFIG"):
        read_config()


def test_a_file_that_is_no_toml_is_refused_with_the_place(project):
    (project.root / "crm.toml").write_text("[sources\n")
    with pytest.raises(ConfigError, match=r"crm\.toml can't be read: .*line 1"):
        read_config()


def test_an_unknown_key_names_the_nearest(project):
    assert refused(project, head='encodng = "utf-8"') == (
        'crm.toml: sources.shop.encodng is not known. Did you mean "encoding"?'
    )


def test_an_unknown_setting_names_the_nearest(project):
    assert refused(project, head="settings.margin = 0.3") == (
        'crm.toml: sources.shop.settings.margin is not known. Did you mean "margin_share"?'
    )


def test_an_unknown_table_names_the_nearest(project):
    assert refused(project, '[sources.shop.tables.transaction]\nfile = "x.csv"') == (
        'sources.shop.tables.transaction: the contract has no table of this name. Did you mean "transactions"?'
    )


def test_an_unknown_column_names_the_nearest(project):
    assert refused(project, '[sources.shop.tables.transactions.columns]\namout = "x"') == (
        "sources.shop.tables.transactions.columns.amout: the table transactions has no such column in the "
        'contract. Did you mean "amount"?'
    )


@pytest.mark.parametrize(
    ("head", "words"),
    [
        ("settings.margin_share = true", "crm.toml: sources.shop.settings.margin_share must be a number."),
        (
            'settings.suppress_below = "5"',
            "crm.toml: sources.shop.settings.suppress_below must be a whole number.",
        ),
        ("settings.funnel.stages = 3", "crm.toml: sources.shop.settings.funnel.stages must be a list."),
        (
            "settings.satisfaction.scales.nps = { lowest = 0 }",
            "crm.toml: sources.shop.settings.satisfaction.scales.nps.highest is missing.",
        ),
        ('kind = "oracle"', 'sources.shop.kind is "oracle"; it must be one of: folder, duckdb, postgres, spark.'),
        ('as_of = "2026-02-30"', 'sources.shop.as_of is "2026-02-30"; it must be a day such as 2026-10-31.'),
        ('separator = "#"', 'sources.shop.separator must be one of: "," ";" "|" "tab" "whitespace".'),
        ("header = false", "sources.shop: header = false needs names = [...], the columns in order."),
        ('thousands = "."', "sources.shop: decimal and thousands must be two different signs."),
        (
            'dates = "european"',
            'sources.shop.dates holds "european"; use a form such as "%d.%m.%Y", or "day-first" or "month-first".',
        ),
    ],
)
def test_a_wrong_value_says_what_it_must_be(project, head, words):
    assert refused(project, head=head) == words


def test_a_column_comes_from_one_place_only(project):
    body = '[sources.shop.tables.surveys.columns]\nnps = { column = "q1", value = "3" }'
    assert refused(project, body).endswith("give exactly one of column, value, row_id, lookup (found 2).")


def test_a_default_source_must_exist(project):
    (project.root / "crm.toml").write_text('[default]\nsource = "shop"\n')
    with pytest.raises(ConfigError, match='There is no source "shop"'):
        read_config()


def test_company_settings_hold_for_every_source_unless_it_says_otherwise(project):
    project.configure(
        "settings.margin_share = 0.25\n[sources.other]\npath = 'x'\n"
        "[company]\nmargin_share = 0.4\ncurrency = 'EUR'",
        'currency = "CNY"',
    )
    sources = read_config().sources
    assert (sources["shop"].settings.margin_share, sources["shop"].settings.currency) == (0.25, "CNY")
    assert (sources["other"].settings.margin_share, sources["other"].settings.currency) == (0.4, "EUR")


def test_reading_declared_for_a_source_holds_for_its_tables_unless_they_say_otherwise(project):
    project.configure(
        '[sources.shop.tables.leads]\nfile = "a"\n[sources.shop.tables.surveys]\nfile = "b"\ndecimal = "."',
        'decimal = ","\nencoding = "gb18030"',
    )
    tables = read_config().sources["shop"].tables
    assert (tables["leads"].reading.decimal, tables["leads"].reading.encoding) == (",", "gb18030")
    assert (tables["surveys"].reading.decimal, tables["surveys"].reading.encoding) == (".", "gb18030")


def test_scales_and_published_figures_arrive_as_objects(project):
    project.configure(
        "[sources.shop.settings.satisfaction.scales]\nitems = { lowest = 1, highest = 10, missing = [0, -99] }\n"
        '[[sources.shop.published]]\ntopic = "clv"\nfigure = "r"\nvalue = 1\nwithin = 0.5\ncitation = "A"'
    )
    settings = read_config().sources["shop"].settings
    assert settings.satisfaction.scales["items"] == Scale(1.0, 10.0, (0.0, -99.0))
    assert settings.published == (PublishedFigure("clv", "r", 1.0, 0.5, "A"),)


def test_tables_of_a_source_are_known_without_reading_them(project):
    project.write("surveys.csv", "not even a header")
    project.write("customers.parquet", "no parquet")
    project.write("notes.csv", "x")
    assert tables_of("shop") == {"surveys", "customers"}
