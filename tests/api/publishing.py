"""What an organization publishes with care: read by a second person, written anew, acknowledged, with an upload in it; all through the gateway."""

from __future__ import annotations

from datetime import timedelta

import httpx
from tests.api.belonging import checked, write
from tests.readiness import SLOT

from chassis import clock
from chassis.embedded.process import wait_until

ANNOUNCEMENT = {"kind": "announcement", "body": "周五停课", "acknowledge": True}
ARTICLE = {"kind": "article", "title": "Listening", "body": "Begin with three sentences."}
STRETCH = {"reason": "Request 2026/118", "from_at": "2026-11-01T00:00:00Z", "until": "2026-11-02T00:00:00Z"}
OUTSIDE = {
    "profile": "none",
    "checker": "callback",
    "checker_clause_code": "9",
    "checker_clause_text": {"en": "Be kind"},
}
WORDS = b"hello"


def publish(owner: httpx.Client, editor: httpx.Client, member: httpx.Client, community: str) -> str:
    """Let the editor write what the owner reads first, the member acknowledge an announcement and send a file.

    Returns the id of what the owner read, of which new words wait.
    """
    base = f"/v1/communities/{community}"
    own = editor.get(f"{base}/memberships/me").json()
    editor.headers["Hearth-After"] = f"membership/{own['id']}@{own['version']}"
    write(owner, "PUT", f"{base}/writing-policy", {"reviewed_kinds": ["article"]}, 0)
    submitted = checked(editor.post(f"{base}/posts", json=ARTICLE))
    article = f"{base}/posts/{submitted['id']}"
    approved = write(owner, "POST", f"{article}/approve", {}, submitted["version"])
    # What was published stays; the new words wait.
    write(editor, "PATCH", article, {"body": "Begin with five."}, approved["version"])
    written = checked(member.post(f"{base}/posts", json={"body": f"![words](media:{_upload(member)})"}))
    write(member, "PATCH", f"{base}/posts/{written['id']}", {"title": "Words"}, written["version"])
    announcement = f"{base}/posts/{checked(owner.post(f'{base}/posts', json=ANNOUNCEMENT))['id']}"
    checked(member.put(f"{announcement}/acknowledgement"))
    checked(owner.post(f"{announcement}/reminders"))
    checked(owner.post(f"{base}/publication-log/openings", json=STRETCH))
    leave_to_a_program(owner, member, base, 0)
    return str(submitted["id"])


def publish_twice(owner: httpx.Client, editor: httpx.Client, member: httpx.Client, ids: dict[str, str]) -> None:
    """Give each list a second row."""
    base = f"/v1/communities/{ids['community_id']}"
    own = checked(owner.get("/v1/me"))["id"]
    leave_to_a_program(owner, member, base, 2)
    checked(owner.post("/v1/brand-personas", json={"name": {"zh": "阿林"}}))
    for number in range(2):
        checked(owner.post("/v1/media", json={"kind": "file", "name": "words.txt", "size": 5}))
        checked(owner.post(f"{base}/posts", json={"body": "begun", "draft": True}))
        checked(owner.put(f"{base}/posts/{_pinned(owner, base, number)}/bookmark"))
        checked(member.post(f"{base}/posts", json={"body": f"hello <@{own}>"}))
        checked(member.post(f"{base}/posts", json={"body": f"casino {number}"}))
    links = {"kind": "links", "denied": ["casino.example"]}
    clause = {"clause_code": "2", "clause_text": {"en": "No casinos"}}
    checked(owner.post(f"{base}/detectors", json={"name": "Links", "action": "flag", "settings": links} | clause))
    checked(owner.post(f"{base}/items", json={"kind": "greeting", "body": "早上好"}))
    later = (clock.now() + timedelta(days=40)).isoformat()
    send = {"targets": [{"community_id": ids["community_id"]}], "at": later}
    checked(owner.post(f"{base}/items/{ids['item_id']}/sends", json=send))
    soon = (clock.now() + timedelta(days=14)).date().isoformat()
    checked(owner.post(f"{base}/slots", json=SLOT | {"starts_on": soon}))
    post = f"{base}/posts/{ids['post_id']}"
    write(member, "PATCH", post, {"body": "明天的单词"}, checked(member.get(post))["version"])
    article = f"{base}/posts/{ids['article_id']}"
    write(owner, "POST", f"{article}/approve", {}, checked(editor.get(article))["version"])
    assert wait_until(lambda: len(owner.get(f"{base}/posts/stale").json()["data"]) > 1, 30)


def _pinned(owner: httpx.Client, base: str, number: int) -> str:
    """Pin what somebody should look at in a moment."""
    soon = (clock.now() + timedelta(seconds=1)).isoformat()
    made = checked(owner.post(f"{base}/posts", json={"kind": "resource", "body": "Words", "review_at": soon}))
    write(owner, "PUT", f"{base}/posts/{made['id']}/pin", {"rank": number + 1}, made["version"])
    return str(made["id"])


def leave_to_a_program(owner: httpx.Client, member: httpx.Client, base: str, version: int) -> None:
    """Have a program judge what the member says now, and nothing that is said from then on: the policy comes to `version` + 2."""
    write(owner, "PUT", f"{base}/moderation-policy", OUTSIDE, version)
    assert checked(member.post(f"{base}/posts", json={"body": "Is this all right?"}))["state"] == "held"
    write(owner, "PUT", f"{base}/moderation-policy", {"profile": "none"}, version + 1)


def _upload(member: httpx.Client) -> str:
    media = checked(member.post("/v1/media", json={"kind": "file", "name": "words.txt", "size": len(WORDS)}))["id"]
    checked(member.put(f"/v1/media/{media}/content", content=WORDS, headers={"Upload-Offset": "0"}))
    checked(member.post(f"/v1/media/{media}/complete"))
    return str(media)
