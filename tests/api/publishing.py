"""What an organization publishes with care: read by a second person, written anew, acknowledged, with an upload in it; all through the gateway."""

from __future__ import annotations

import httpx
from tests.api.belonging import checked, write

ANNOUNCEMENT = {"kind": "announcement", "body": "周五停课", "acknowledge": True}
ARTICLE = {"kind": "article", "title": "Listening", "body": "Begin with three sentences."}
STRETCH = {"reason": "Request 2026/118", "from_at": "2026-11-01T00:00:00Z", "until": "2026-11-02T00:00:00Z"}
WORDS = b"hello"


def publish(owner: httpx.Client, editor: httpx.Client, member: httpx.Client, community: str) -> None:
    """Let the editor write what the owner reads first, the member acknowledge an announcement and send a file."""
    base = f"/v1/communities/{community}"
    own = editor.get(f"{base}/memberships/me").json()
    editor.headers["Hearth-After"] = f"membership/{own['id']}@{own['version']}"
    write(owner, "PUT", f"{base}/writing-policy", {"reviewed_kinds": ["article"]}, 0)
    write(owner, "PUT", f"{base}/moderation-policy", {"profile": "none"}, 0)
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


def _upload(member: httpx.Client) -> str:
    media = checked(member.post("/v1/media", json={"kind": "file", "name": "words.txt", "size": len(WORDS)}))["id"]
    checked(member.put(f"/v1/media/{media}/content", content=WORDS, headers={"Upload-Offset": "0"}))
    checked(member.post(f"/v1/media/{media}/complete"))
    return str(media)
