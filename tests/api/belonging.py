"""What an organization writes about who belongs: of everything that a path can name there is one, made through the gateway."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import uuid4

import httpx
from tests.readiness import TIERS

from chassis import clock
from chassis.embedded.process import wait_until

CARD = {"purpose": {"zh": "每天三句"}, "times": {"zh": "20:00"}}
GROUP = {"dimension": "interest", "name": {"zh": "口语角"}, "self_join": True}
TEMPLATE = {"title": {"zh": "城市"}, "content": {"description": {"zh": "每天一点"}}}
GROUP_TEMPLATE = {"title": {"zh": "小组"}, "content": {**GROUP, "card": CARD}}
SEGMENT = {"name": {"zh": "新人"}, "filter": {"field": "joined_at", "op": "within_days", "value": 90}}
DOOR = {"channel": "article", "title": {"zh": "文末"}, "tags": ["来自文章"]}
FORM = {"title": {"zh": "申请"}, "questions": []}
PERSONA = {"name": {"zh": "初学者"}, "rule": {"all": [{"at_least": 0}]}}
NOTE = {"body": "喜欢上午来。"}
TAG = "老用户"
TABLE = "姓名,邮箱\n小雨,rain@example.com\n小北,north@example.com\n"


def checked(answer: httpx.Response) -> dict[str, Any]:
    """The body of an answer that must be a success."""
    assert answer.is_success, f"{answer.request.method} {answer.request.url}: {answer.status_code} {answer.text}"
    body: dict[str, Any] = answer.json() if answer.content else {}
    return body


def write(client: httpx.Client, method: str, url: str, body: Any, version: int) -> dict[str, Any]:
    """Change what has this version."""
    return checked(client.request(method, url, json=body, headers={"If-Match": f'"{version}"'}))


def bring(owner: httpx.Client, base: str) -> dict[str, Any]:
    """Bring a table of people, whom nobody takes over."""
    return checked(owner.post(f"{base}/member-files", content=TABLE.encode(), headers={"Content-Type": "text/csv"}))


def belong(owner: httpx.Client, community: str, member: dict[str, str], candidate: httpx.Client) -> dict[str, str]:
    """Write a second version of everything that has versions, and make one of everything else; return their ids by parameter.

    Versions and numbers are 2, which another community does not have.
    """
    base = f"/v1/communities/{community}"
    write(owner, "PATCH", f"{base}/charter", {"promise": {"zh": "三个月敢开口"}}, 1)
    for version in range(2):
        write(owner, "PUT", f"{base}/form", FORM, version)
        write(owner, "PUT", f"{base}/screening-policy", {"mode": "review", "decide_within_hours": 24}, version + 1)
    checked(owner.post(f"{base}/tier-standards", json={"tiers": TIERS, "grace_days": 30}))
    template = checked(owner.post("/v1/community-templates", json=TEMPLATE))["id"]
    write(owner, "PATCH", f"/v1/community-templates/{template}", TEMPLATE, 1)
    group_template = checked(owner.post("/v1/group-templates", json=GROUP_TEMPLATE))["id"]
    write(owner, "PATCH", f"/v1/group-templates/{group_template}", GROUP_TEMPLATE, 1)
    group = checked(owner.post(f"{base}/groups", json=GROUP))["id"]
    checked(owner.post(f"{base}/groups/{group}/members", json={"account_ids": [member["account_id"]]}))
    write(owner, "PATCH", f"{base}/groups/{group}/card", CARD, 0)
    checked(owner.put(f"{base}/memberships/{member['membership_id']}/tags/{TAG}"))
    door = checked(owner.post(f"{base}/entry-links", json=DOOR))
    note = checked(owner.post(f"{base}/memberships/{member['membership_id']}/notes", json=NOTE))
    return {
        "version": "2",
        "number": "2",
        "tier": TIERS[0]["code"],  # type: ignore[dict-item]  a text
        "outcome": "stay",
        "list_name": "memberships",
        "tag": TAG,
        "goal_id": checked(owner.get(f"{base}/goals"))["data"][0]["id"],
        "persona_id": checked(owner.post(f"{base}/personas", json=PERSONA))["id"],
        "application_id": checked(candidate.post(f"{base}/applications", json={"answers": {}}))["id"],
        "template_id": template,
        "group_template_id": group_template,
        "group_id": group,
        "segment_id": checked(owner.post(f"{base}/segments", json=SEGMENT))["id"],
        "link_id": door["id"],
        "token": door["token"],
        "note_id": note["id"],
        "file_id": bring(owner, base)["id"],
        # Nobody is silent for a week here: this one is not there.
        "notice_id": str(uuid4()),
    }


def belong_twice(
    owner: httpx.Client, ids: dict[str, str], others: list[tuple[str, str]], candidate: httpx.Client
) -> None:
    """Give each list a second row; `others` are accounts and memberships of more members."""
    base = f"/v1/communities/{ids['community_id']}"
    for version in range(2):
        write(owner, "PATCH", f"{base}/card", {"times": {"zh": f"{version}:00"}}, version)
    write(owner, "PATCH", f"{base}/groups/{ids['group_id']}/card", {"times": {"zh": "21:00"}}, 1)
    accounts = [account for account, _ in others]
    checked(owner.post(f"{base}/groups", json=GROUP))
    checked(owner.post(f"{base}/groups/{ids['group_id']}/members", json={"account_ids": accounts}))
    for tag in (TAG, "导师"):
        checked(owner.post(f"{base}/tags/{tag}/memberships", json={"membership_ids": [one for _, one in others]}))
    checked(owner.post(f"{base}/entry-links", json=DOOR | {"channel": "poster"}))
    for _ in range(2):
        for url in (f"{base}/exports/memberships.xlsx", "/v1/exports/accounts.xlsx"):
            assert owner.get(url).is_success
    checked(owner.post(f"{base}/segments", json=SEGMENT))
    checked(owner.post(f"{base}/memberships/{ids['membership_id']}/notes", json=NOTE))
    checked(candidate.post(f"{base}/applications", json={"answers": {}}))
    checked(owner.post("/v1/community-templates", json=TEMPLATE))
    checked(owner.post("/v1/group-templates", json=GROUP_TEMPLATE))
    for number in range(2):
        place = {"name": {"zh": "城"}, "slug": f"town-{number}", "zone": "UTC"}
        made = checked(owner.post(f"/v1/community-templates/{ids['template_id']}/communities", json=place))["id"]
        url = f"/v1/group-templates/{ids['group_template_id']}/groups"
        checked(owner.post(url, json={"communities": [made]}))
    bring(owner, base)
    file = f"{base}/member-files/{ids['file_id']}"
    columns = [{"column": 0, "field": "name"}, {"column": 1, "field": "email"}]
    version = checked(owner.get(file))["version"]
    write(owner, "PUT", f"{file}/mapping", {"columns": columns, "source": "crm"}, version)
    write(owner, "POST", f"{file}/dry-run", None, checked(owner.get(file))["version"])
    _settle(owner, base, ids)


def _settle(owner: httpx.Client, base: str, ids: dict[str, str]) -> None:
    """Wait until what is worked out in the background has two rows: segments, tiers, a dry run; then place one by hand."""
    rows = f"{base}/member-files/{ids['file_id']}/rows"
    lists = (rows, f"{base}/segments/{ids['segment_id']}/members", f"{base}/tiers/members?tier={ids['tier']}")
    for url in lists:
        assert wait_until(lambda url=url: len(owner.get(url).json()["data"]) > 1, 30), url  # type: ignore[misc]
    url = f"{base}/memberships/{ids['membership_id']}/tier"
    place = {"tier": TIERS[1]["code"], "reason": "领读", "until": (clock.now() + timedelta(days=30)).isoformat()}
    write(owner, "PUT", url, place, checked(owner.get(url))["version"])
