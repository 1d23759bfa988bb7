"""The examples of docs/writing.md, run in their order."""

import re
from pathlib import Path
from typing import Any

import orjson
from tests.content.conftest import Place

from chassis.clock import MovableClock
from content.rendering.texts import render_now
from content.rendering.tree import VERSION, parse
from contracts.members import CommunityRole

GUIDE = (Path(__file__).parents[2] / "docs/writing.md").read_text()
REQUEST = re.compile(r'```http\n([A-Z]+) (\S+) (\d{3})(?: as (\w+))?(?: If-Match: "(\d+)")?\n(.*?)```', re.DOTALL)


def fill(text: str, known: dict[str, str]) -> str:
    return re.sub(r"\$([A-Z]+)", lambda found: known[found[1]], text)


async def test_the_requests_answer_as_written(place: Place, movable_clock: MovableClock) -> None:
    assert movable_clock
    clients: dict[str | None, Any] = {
        None: (await place.member(CommunityRole.MANAGER, staff=True))[1],
        "second": (await place.member(CommunityRole.EDITOR, staff=True))[1],
        "member": (await place.member())[1],
        "staff": place.kit.staff(place.organization),
    }
    known = {"C": str(place.community)}
    requests = REQUEST.findall(GUIDE)
    assert len(requests) == GUIDE.count("```http") == 14
    for method, path, status, who, version, body in requests:
        headers = {"If-Match": f'"{version or known.get("V", "0")}"'}
        content = {"json": orjson.loads(fill(body, known))} if body.strip() else {}
        answer = await clients[who or None].request(method, fill(path, known), headers=headers, **content)
        assert answer.status_code == int(status), (method, path, answer.text)
        made = answer.json()
        if "kind" in made and "state" in made:
            known |= {"POST": made["id"], "V": str(made["version"])}
        elif path.endswith("brand-personas"):
            known["PERSONA"] = made["id"]
        elif "acknowledged=false" in path:
            assert len(made["data"]) == 0


def test_the_rendering_is_as_written() -> None:
    [body] = re.findall(r"```markdown\n(.*?)\n```", GUIDE, re.DOTALL)
    [html] = re.findall(r"```html\n(.*?)\n```", GUIDE, re.DOTALL)
    assert render_now(body).html == html
    assert VERSION == 1, "a new renderer needs a migration that schedules posts.render"


def test_every_node_is_in_the_guide() -> None:
    [table] = re.findall(r"\| node \| has \|\n(.*?)\n\n", GUIDE, re.DOTALL)
    text = "# a\n> *a* **a** ~~a~~ `a` <@0198b7a2-6c1e-7d3a-9f4b-2f6f6c1d7a10>\n\n- a\n\n```\na\n```\n\n| a |\n|-|\n| b |\n\n---\n"
    text += "https://a.example\n![a](media:0198b7a2-6c1e-7d3a-9f4b-2f6f6c1d7a10)"

    def kinds(nodes: list[dict[str, Any]]) -> set[str]:
        return {node["type"] for node in nodes} | {kind for node in nodes for kind in kinds(node.get("children", []))}

    found = kinds(parse(text).nodes)
    named = {name for row in table.splitlines()[1:] for name in re.findall(r"`(\w+)`", row.split("|")[1])}
    assert found == named
