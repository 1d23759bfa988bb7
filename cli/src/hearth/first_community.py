"""Says what the first community is for, whom it lets in and how it is layered, each through the route that an operator uses."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from chassis import clock
from hearth.first_charter import CARD, CHARTER, FORM, GOALS, PERSONAS, POLICY
from hearth.first_layers import DOOR, GROUPS, SEGMENT, TIERS

Ask = Callable[[str, str, Mapping[str, Any] | None, Mapping[str, str]], dict[str, Any]]
"""Sends (method, path, body, headers) and returns the answer; raises when it is refused."""
FIRST: Final = {"If-Match": '"0"'}


def furnish(ask: Ask, community: Mapping[str, Any], host: str) -> None:
    """Write everything that is not there yet, so that it may open; `host` is the account that hosts its groups."""
    path = f"/v1/communities/{community['id']}"
    today = clock.now().astimezone(ZoneInfo(community["zone"])).date()
    _write(ask, "PATCH", f"{path}/charter", CHARTER)
    goals = [
        {key: value for key, value in goal.items() if key != "days"}
        | {"due_on": (today + timedelta(days=int(str(goal["days"])))).isoformat()}
        for goal in GOALS
    ]
    _add(ask, f"{path}/goals", "title", goals)
    _write(ask, "PATCH", f"{path}/card", CARD)
    _write(ask, "PUT", f"{path}/form", FORM)
    _write(ask, "PUT", f"{path}/screening-policy", POLICY)
    _add(ask, f"{path}/personas", "name", PERSONAS)
    _layer(ask, path, host)
    _add(ask, f"{path}/segments", "name", [SEGMENT])
    _add(ask, f"{path}/entry-links", "title", [DOOR])


def _layer(ask: Ask, path: str, host: str) -> None:
    """Groups with their cards, the rules that lead into them, and the tiers."""
    wanted = [{**one["group"], "hosts": [host]} for one in GROUPS]
    groups = _add(ask, f"{path}/groups", "name", wanted)
    for group, one in zip(groups, GROUPS, strict=True):
        _write(ask, "PATCH", f"{path}/groups/{group['id']}/card", one["card"])
    rules = [
        {"key": one["tag"], "group_id": group["id"], "when": {"tags": [one["tag"]]}}
        for group, one in zip(groups, GROUPS, strict=True)
    ]
    _write(ask, "PUT", f"{path}/groups/rules", {"rules": rules, "exclusive": ["department"]})
    standards = ask("GET", f"{path}/tier-standards", None, {})["data"]
    standard = standards[0] if standards else ask("POST", f"{path}/tier-standards", TIERS, {})
    if standard["state"] == "draft":
        version = {"If-Match": f'"{standard["version"]}"'}
        ask("POST", f"{path}/tier-standards/{standard['number']}/adopt", None, version)


def _write(ask: Ask, method: str, path: str, body: Mapping[str, Any]) -> None:
    """Write what has no version yet."""
    if ask("GET", path, None, {})["version"] == 0:
        ask(method, path, body, FIRST)


def _add(ask: Ask, path: str, name: str, wanted: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Make those that the list does not have under their name, and return all that are wanted."""
    there = {one[name]["zh"]: one for one in ask("GET", path, None, {})["data"]}
    return [there.get(one[name]["zh"]) or ask("POST", path, one, {}) for one in wanted]
