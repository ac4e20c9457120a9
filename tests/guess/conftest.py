"""Files in the shapes in which people have them."""

import datetime as dt
import zipfile
from xml.sax.saxutils import escape

import pytest

CELL_STYLES = (
    '<styleSheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">'
    '<fonts count="1"><font/></fonts><fills count="1"><fill/></fills><borders count="1"><border/></borders>'
    '<cellStyleXfs count="1"><xf/></cellStyleXfs>'
    '<cellXfs count="3"><xf numFmtId="0"/><xf numFmtId="14" applyNumberFormat="1"/>'
    '<xf numFmtId="22" applyNumberFormat="1"/></cellXfs></styleSheet>'
)
HEAD = '<?xml version="1.0" encoding="UTF-8"?>'
MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
REL = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006"


def cell(value):
    if isinstance(value, dt.datetime):
        return f'<c s="2"><v>{(value - dt.datetime(1899, 12, 30)).total_seconds() / 86400}</v></c>'
    if isinstance(value, dt.date):
        return f'<c s="1"><v>{(value - dt.date(1899, 12, 30)).days}</v></c>'
    if isinstance(value, int | float):
        return f"<c><v>{value!r}</v></c>"
    return "<c/>" if value is None else f'<c t="inlineStr"><is><t>{escape(value)}</t></is></c>'


def sheet_xml(rows, merged):
    body = "".join(f"<row>{''.join(cell(v) for v in row)}</row>" for row in rows)
    cells = "".join(f'<mergeCell ref="{ref}"/>' for ref in merged)
    merge = f'<mergeCells count="{len(merged)}">{cells}</mergeCells>' if merged else ""
    return f'{HEAD}<worksheet xmlns="{MAIN}"><sheetData>{body}</sheetData>{merge}</worksheet>'


def write_xlsx(path, sheets, merged=()):
    """A workbook of sheets by name, each a list of rows; numbers, days and times are typed cells."""
    listed = "".join(
        f'<sheet name="{escape(name)}" sheetId="{i}" r:id="rId{i}"/>' for i, name in enumerate(sheets, 1)
    )
    kind = f"{REL}/worksheet"
    targets = "".join(
        f'<Relationship Id="rId{i}" Type="{kind}" Target="worksheets/sheet{i}.xml"/>'
        for i in range(1, len(sheets) + 1)
    )
    styles = f'<Relationship Id="rId99" Type="{REL}/styles" Target="styles.xml"/>'
    office = f'<Relationship Id="rId1" Type="{REL}/officeDocument" Target="xl/workbook.xml"/>'
    sheet_type = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as book:
        book.writestr(
            "[Content_Types].xml",
            f'{HEAD}<Types xmlns="{PACKAGE}/content-types">'
            '<Default Extension="xml" ContentType="application/xml"/>'
            '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
            f'<Override PartName="/xl/workbook.xml" ContentType="{sheet_type}"/></Types>',
        )
        book.writestr(
            "_rels/.rels", f'{HEAD}<Relationships xmlns="{PACKAGE}/relationships">{office}</Relationships>'
        )
        book.writestr(
            "xl/workbook.xml",
            f'{HEAD}<workbook xmlns="{MAIN}" xmlns:r="{REL}"><sheets>{listed}</sheets></workbook>',
        )
        book.writestr(
            "xl/_rels/workbook.xml.rels",
            f'{HEAD}<Relationships xmlns="{PACKAGE}/relationships">{targets}{styles}</Relationships>',
        )
        book.writestr("xl/styles.xml", HEAD + CELL_STYLES)
        for i, rows in enumerate(sheets.values(), 1):
            book.writestr(f"xl/worksheets/sheet{i}.xml", sheet_xml(rows, merged))
    return path


@pytest.fixture
def xlsx():
    return write_xlsx


@pytest.fixture
def proposed(tmp_path):
    """What is proposed for files: given as {name: text or bytes}, with answers."""
    from crm_lib.sources.files import engine
    from crm_lib.sources.guess import files_in, propose

    def run(files, said=None, encoding="utf-8"):
        folder = tmp_path / "files"
        folder.mkdir(exist_ok=True)
        for name, body in files.items():
            (folder / name).write_bytes(body if isinstance(body, bytes) else body.encode(encoding))
        return propose(engine(), files_in(folder), said or {})

    return run
