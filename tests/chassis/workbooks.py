"""Reading a workbook in tests, by the standard and nothing of the writer's."""

from __future__ import annotations

import io
import re
import zipfile
from datetime import datetime, timedelta
from typing import Any
from xml.etree import ElementTree as ET

MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
MOMENTS = {"1", "4"}


def _plain(escaped: str) -> str:
    return re.sub("_x([0-9A-Fa-f]{4})_", lambda found: chr(int(found[1], 16)), escaped)


def _value(cell: ET.Element) -> Any:
    assert cell.find(f"{MAIN}f") is None, "a formula"
    if cell.get("t") == "inlineStr":
        return _plain(cell.findtext(f"{MAIN}is/{MAIN}t") or "")
    number = cell.findtext(f"{MAIN}v")
    if number is None:
        return None
    if cell.get("t") == "b":
        return number == "1"
    if cell.get("s") in MOMENTS:
        return datetime(1899, 12, 30) + timedelta(seconds=round(float(number) * 86400))  # noqa: DTZ001
    return float(number) if "." in number or "e" in number else int(number)


def read_rows(data: bytes) -> list[list[Any]]:
    """Return the rows of a workbook's only sheet, its header first."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.testzip() is None
        for name in archive.namelist():
            ET.fromstring(archive.read(name))
        sheet = ET.fromstring(archive.read("xl/worksheets/sheet1.xml"))
    return [[_value(cell) for cell in row] for row in sheet.iter(f"{MAIN}row")]
