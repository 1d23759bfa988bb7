"""The requests in docs/moderation.md do what they say."""

import json
import re
from pathlib import Path

import pytest
from tests.content.moderation.conftest import Court

_EXAMPLE = re.compile(r"^```http\n(GET|POST) (\S+)\n(.*?)```$", re.MULTILINE | re.DOTALL)
EXAMPLES = _EXAMPLE.findall((Path(__file__).parents[3] / "docs/moderation.md").read_text())


def test_there_are_examples() -> None:
    assert len(EXAMPLES) == 5


@pytest.mark.parametrize(("method", "path", "body"), EXAMPLES)
async def test_an_example_works(court: Court, method: str, path: str, body: str) -> None:
    answer = await court.moderator.request(method, f"{court.path}/{path}", json=json.loads(body) if body else None)
    assert answer.is_success, answer.text
    if path.endswith("trial"):
        assert answer.json()["spans"] == [{"field": "body", "start": 3, "end": 8}]
