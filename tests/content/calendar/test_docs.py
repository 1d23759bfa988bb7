"""The requests in docs/calendar.md do what they say."""

import json
import re
from pathlib import Path

import pytest
from tests.content.desk import Desk

_EXAMPLE = re.compile(r"^```http\n(GET|POST) (\S+)\n(.*?)```$", re.MULTILINE | re.DOTALL)
EXAMPLES = _EXAMPLE.findall((Path(__file__).parents[3] / "docs/calendar.md").read_text())


def test_there_are_examples() -> None:
    assert len(EXAMPLES) == 7


@pytest.mark.parametrize(("method", "path", "body"), EXAMPLES)
async def test_an_example_works(desk: Desk, method: str, path: str, body: str) -> None:
    answer = await desk.editor.request(method, f"{desk.path}/{path}", json=json.loads(body) if body else None)
    assert answer.is_success, answer.text
