"""Projects whose tables lie in a real PostgreSQL."""

import csv
import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.engines.database import typed

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="session")
def sample(database):
    """The sample in two schemas: every column as text, as in its files, and with types, as a database has it."""
    from crm_lib.sources import connect

    as_text = {}
    for path in sorted((ROOT / "data" / "sample").glob("*.csv")):
        with path.open(encoding="utf-8", newline="") as file:
            head, *rows = csv.reader(file)
        columns = ", ".join(f'"{c}" text' for c in head)
        as_text[path.stem] = columns, [[value or None for value in row] for row in rows]
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(ROOT)
        crm = connect("sample")
    with_types = {name: typed(table) for name, table in crm.tables.items()}
    return SimpleNamespace(
        crm=crm, text=database.schema("as_text", **as_text), typed=database.schema("as_typed", **with_types)
    )


@pytest.fixture
def project(tmp_path, monkeypatch, database):
    """A function that writes crm.toml; the address of the database stands in the environment."""
    for name in ("CRM_CONFIG", "CRM_RUN_DATE", "CRM_PUBLISH_TO", "CRM_REPORTS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("CRM_DATABASE_URL", database.url)
    monkeypatch.chdir(tmp_path)

    def write(schema, more="", head='as_of = "2026-10-31"'):
        text = f'kind = "postgres"\nurl_env = "CRM_DATABASE_URL"\nschema = "{schema}"\n{head}\n{more}\n'
        (tmp_path / "crm.toml").write_text(
            f'[default]\nsource = "shop"\n\n[sources.shop]\n{text}', encoding="utf-8"
        )
        return tmp_path

    return write


@pytest.fixture
def both(project, sample):
    """A project with the sample from files and from the database, and the shipped notebooks."""

    def write(schema):
        text = (ROOT / "crm.toml").read_text(encoding="utf-8")
        text = text[: text.index("[sources.cdnow]")]
        own = text[text.index("[sources.sample]") :].replace("sources.sample", "sources.shop")
        server = f'kind = "postgres"\nurl_env = "CRM_DATABASE_URL"\nschema = "{schema}"'
        folder = project(schema)
        whole = text.replace("data/sample", str(ROOT / "data" / "sample"))
        whole += "\n" + own.replace('path = "data/sample"', server)
        (folder / "crm.toml").write_text(whole, encoding="utf-8")
        shutil.copytree(ROOT / "notebooks", folder / "notebooks", ignore=shutil.ignore_patterns(".*"))
        return folder

    return write
