import json

import nbformat
import pandas as pd
import pytest

from crm_lib.runner.kernels import scrubbing

ENVIRONMENT = {
    "CRM_DATABASE_URL": "postgresql://reader:pa55%40w@db:5432/crm",
    "API_TOKEN": 'to"ken<1&2>',
    "SMTP_PASSWORD": "hunter22",
    "HOME": "/home/someone",
    "LANG": "C.UTF-8",
}
KNOWN = scrubbing.secrets(ENVIRONMENT)


@pytest.mark.parametrize(
    "said",
    [
        "postgresql://reader:pa55%40w@db:5432/crm",
        "the password is pa55@w",
        'to"ken<1&2>',
        "to&quot;ken&lt;1&amp;2&gt;",
        'to\\"ken<1&2>',
        "hunter22",
    ],
)
def test_a_secret_goes_in_every_form_it_may_be_written_in(said):
    scrubbed = scrubbing.text(f"before {said} after", KNOWN)
    assert scrubbed in {"before ••• after", "before the password is ••• after"}


def test_what_is_no_secret_stays():
    assert scrubbing.text("/home/someone C.UTF-8", KNOWN) == "/home/someone C.UTF-8"


def test_short_values_and_odd_addresses_are_left_alone():
    assert scrubbing.secrets({"TOKEN": "1", "X_URL": "http://[", "Y_URL": "http://h:abc@x/"}) != ()
    assert "abc" not in scrubbing.secrets({"Y_URL": "http://h:abc@x/"})


def test_outputs_of_a_notebook_are_scrubbed_and_its_source_is_not():
    outputs = [
        nbformat.v4.new_output("stream", text="hunter22"),
        nbformat.v4.new_output("execute_result", data={"text/html": "<b>hunter22</b>", "image/png": "aGk="}),
        nbformat.v4.new_output("error", ename="E", evalue="hunter22", traceback=["at hunter22"]),
    ]
    executed = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("x", outputs=outputs)])
    scrubbing.notebook(executed, KNOWN)
    assert "hunter22" not in nbformat.writes(executed)
    assert executed.cells[0].outputs[1].data["image/png"] == "aGk="
    nbformat.validate(executed)


def test_a_publication_is_scrubbed(tmp_path):
    (tmp_path / "clv.figures.json").write_text('{"summary": "to\\"ken<1&2>"}', encoding="utf-8")
    scrubbing.published(tmp_path, "clv", KNOWN)
    assert json.loads((tmp_path / "clv.figures.json").read_text(encoding="utf-8")) == {"summary": "•••"}


def test_of_the_tables_only_those_with_a_secret_are_written_anew(tmp_path):
    (tmp_path / "clv").mkdir()
    texts = pd.array(["a", None], dtype="string")
    pd.DataFrame({"text": texts, "n": [1, 2]}).to_parquet(tmp_path / "clv" / "plain.parquet")
    pd.DataFrame({"text": ["says hunter22", "b"]}).to_parquet(tmp_path / "clv" / "told.parquet")
    bytes_before = (tmp_path / "clv" / "plain.parquet").read_bytes()
    scrubbing.published(tmp_path, "clv", KNOWN)
    assert (tmp_path / "clv" / "plain.parquet").read_bytes() == bytes_before
    assert pd.read_parquet(tmp_path / "clv" / "told.parquet")["text"].tolist() == ["says •••", "b"]
