from pathlib import Path

import pytest


class Project:
    """A folder with a crm.toml and a source `shop`, made of texts written in the test."""

    def __init__(self, root: Path):
        self.root = root
        self.folder = root / "data" / "shop"
        self.folder.mkdir(parents=True)
        self.configure()

    def configure(self, body: str = "", head: str = 'as_of = "2026-10-31"') -> None:
        text = f'[default]\nsource = "shop"\n\n[sources.shop]\npath = "data/shop"\n{head}\n\n{body}\n'
        (self.root / "crm.toml").write_text(text, encoding="utf-8")

    def write(self, name: str, text: str, encoding: str = "utf-8") -> None:
        (self.folder / name).write_bytes(text.encode(encoding))


@pytest.fixture
def project(tmp_path, monkeypatch):
    monkeypatch.delenv("CRM_CONFIG", raising=False)
    monkeypatch.delenv("CRM_RUN_DATE", raising=False)
    monkeypatch.chdir(tmp_path)
    return Project(tmp_path)
