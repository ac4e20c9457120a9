"""The codebook is the contract in words: it may not drift from it."""

import dataclasses
from pathlib import Path

import pytest

from crm_lib.contract.codebook import codebook, write
from crm_lib.contract.datasets import DATASETS
from crm_lib.contract.reporting import Delivery, Threshold
from crm_lib.contract.settings import FunnelSettings, SatisfactionSettings, Scale, Settings
from crm_lib.contract.tables import TABLES
from crm_lib.contract.topics import TOPICS
from crm_lib.sources.servers import SERVERS
from crm_lib.sources.settings import TYPES, ColumnMapping, Reading, Source, TableMapping, read_config

ROOT = Path(__file__).parents[2]


def test_the_codebook_in_data_is_the_one_the_contract_writes():
    written = (ROOT / "data" / "README.md").read_text(encoding="utf-8")
    assert written == codebook(), "run: python -m crm_lib.contract.codebook"


def test_writing_it_writes_it(tmp_path):
    write(tmp_path / "README.md")
    assert (tmp_path / "README.md").read_text(encoding="utf-8") == codebook()


@pytest.mark.parametrize("name", list(TABLES))
def test_every_table_and_column_is_explained(name):
    section = codebook().split(f"### {name}\n")[1].split("\n##")[0]
    for column in TABLES[name].columns:
        assert f"| {column.name} |" in section or f"| *{column.name}* |" in section
        assert column.meaning in section


def test_every_topic_is_named():
    assert all(f"| `{name}` | {topic.question} |" in codebook() for name, topic in TOPICS.items())


def test_every_data_set_is_a_source_with_the_default_day_that_is_told():
    sources = read_config(ROOT / "crm.toml").sources
    shipped = {d.source: d.as_of for d in DATASETS}
    assert shipped.items() <= {name: s.as_of for name, s in sources.items()}.items()


def test_every_source_whose_files_come_with_the_project_is_explained():
    """One that `crm init` has added lies elsewhere, or in data/raw, which is never committed."""
    sources = read_config(ROOT / "crm.toml").sources
    data = {name for name, s in sources.items() if s.path.is_relative_to(ROOT / "data")}
    raw = {name for name, s in sources.items() if s.path.is_relative_to(ROOT / "data" / "raw")}
    assert data - raw == {d.source for d in DATASETS}


def test_every_key_of_crm_toml_is_explained():
    text = codebook()
    keys = [f.name for cls in (Reading, TableMapping, ColumnMapping) for f in dataclasses.fields(cls)]
    keys += [f.name for f in dataclasses.fields(Source) if f.name not in ("name",)]
    keys += [f.name for cls in (Settings, Scale) for f in dataclasses.fields(cls)]
    keys += [f.name for cls in (Threshold, Delivery) for f in dataclasses.fields(cls)]
    keys += [f.name for cls in SERVERS.values() for f in dataclasses.fields(cls)]
    unexplained = [k for k in keys if f"`{k}`" not in text and f"{k} =" not in text and f"`{k}s`" not in text]
    assert set(unexplained) == {"reading", "reporting", "server"}  # their own keys are explained instead
    assert all(f"`funnel.{f.name}`" in text for f in dataclasses.fields(FunnelSettings))
    assert all(f"`satisfaction.{f.name}`" in text for f in dataclasses.fields(SatisfactionSettings))
    assert all(t in text for t in TYPES)
