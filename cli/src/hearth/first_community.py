"""Says what the first community is for, whom it lets in and how it is layered, each through the route that an operator uses."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from chassis import clock
from hearth.first_charter import CARD, CHARTER, FORM, GOALS, PERSONAS, POLICY
from hearth.first_layers import DOOR, GROUPS, SEGMENT, TIERS
from hearth.first_rhythm import GREETING, SLOTS, THEMES

Ask = Callable[[str, str, Mapping[str, Any] | None, Mapping[str, str]], dict[str, Any]]
"""Sends (method, path, body, headers) and returns the answer; raises when it is refused."""
FIRST: Final = {"If-Match": '"0"'}


def furnish(ask: Ask, community: Mapping[str, Any], host: str) -> str:
    """Write everything that is not there yet, so that it may open; `host` is the account that hosts its groups.

    Returns the Hearth-After of the opening: members learns of the slots by events.
    """
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
    return _plan(ask, path, community)


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


def _plan(ask: Ask, path: str, community: Mapping[str, Any]) -> str:
    """What is said and when. Content learns of the community by an event; returns the positions of the slots."""
    known = {"Hearth-After": f"community/{community['id']}@{community['version']}"}
    ask("GET", f"{path}/themes", None, known)
    themes = _add(ask, f"{path}/themes", "name", THEMES)
    written = [one for one in ask("GET", f"{path}/items", None, {})["data"] if one["title"] == GREETING["title"]]
    greeting = written[0] if written else ask("POST", f"{path}/items", GREETING, {})
    slots = [
        {name: value for name, value in one.items() if name != "theme"}
        | {"theme_id": themes[one["theme"]]["id"]}
        | ({"fallback_item_id": greeting["id"]} if one["kind"] == GREETING["kind"] else {})
        for one in SLOTS
    ]
    return ", ".join(f"slot/{one['id']}@{one['version']}" for one in _add(ask, f"{path}/slots", "name", slots))


def _write(ask: Ask, method: str, path: str, body: Mapping[str, Any]) -> None:
    """Write what has no version yet."""
    if ask("GET", path, None, {})["version"] == 0:
        ask(method, path, body, FIRST)


def _add(ask: Ask, path: str, name: str, wanted: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Make those that the list does not have under their name, and return all that are wanted."""
    there = {one[name]["zh"]: one for one in ask("GET", path, None, {})["data"]}
    return [there.get(one[name]["zh"]) or ask("POST", path, one, {}) for one in wanted]
