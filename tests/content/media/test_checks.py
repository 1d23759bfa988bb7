"""A checker from outside sees the uploads of what it judges."""

from uuid import uuid4

from tests.content.conftest import Place, if_match
from tests.content.media.pictures import photograph
from tests.content.media.uploads import Uploads


async def test_a_checker_fetches_the_uploads_with_the_words(place: Place, uploads: Uploads) -> None:
    kit = place.kit
    policy = {
        "profile": "none",
        "checker": "callback",
        "checker_clause_code": "9",
        "checker_clause_text": {"en": "Be kind"},
    }
    staff = kit.staff(place.organization)
    decided = await staff.put(f"{place.path}/moderation-policy", json=policy, headers=if_match(0))
    assert decided.status_code == 200, decided.text
    _, client = await place.member()
    media = await uploads.whole(client, photograph())
    words = [f"look ![sea](media:{media['id']})", "no picture"]
    for body in words:
        assert (await client.post(f"{place.path}/posts", json={"body": body})).json()["state"] == "held"
    checker = kit.partner(place.organization, "content:judge")
    checks = (await checker.get("/v1/checks")).json()["data"]
    assert [one["body"] for one in checks] == words
    assert [len(one["media"]) for one in checks] == [1, 0]
    [shown] = checks[0]["media"]
    assert (shown["media_id"], shown["kind"], shown["media_type"]) == (media["id"], "image", "image/jpeg")
    assert (await uploads.read(shown)).content == (await uploads.read(media)).content
    assert (await checker.get(f"/v1/checks/{checks[0]['id']}")).json()["media"][0]["media_id"] == media["id"]
    assert (await kit.partner(uuid4(), "content:judge").get("/v1/checks")).json()["data"] == []
