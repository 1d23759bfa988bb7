"""What reading a discussion costs does not hang on how large its community is."""

import pytest
from tests.content.conftest import Place
from tests.content.plans import fill, looked_at, plan_of

from chassis.ids import new_id
from content.discussion import queries
from contracts.content import SubjectKind


@pytest.mark.parametrize("kind", list(SubjectKind))
async def test_who_reacted_is_found_without_looking_through_the_community(place: Place, kind: SubjectKind) -> None:
    account, client = await place.member()
    await fill(place.kit, place.organization, place.community, account, 2000)
    post = await place.post(client)
    comment = await place.comment(client, post["id"])
    subject = post["id"] if kind is SubjectKind.POST else comment["id"]
    statement = queries._to_subject("", 50, False)
    types = "uuid, uuid, uuid, text"
    plan = await plan_of(place.kit, place.organization, statement, types, place.community, account, subject, kind.value)
    assert looked_at(plan, "post") <= 1
    path = "posts" if kind is SubjectKind.POST else "comments"
    assert (await client.get(f"{place.path}/{path}/{subject}/reactions")).json()["data"] == []
    assert (await client.get(f"{place.path}/{path}/{new_id()}/reactions")).status_code == 404
