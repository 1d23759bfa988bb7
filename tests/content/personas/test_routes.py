"""Personas of the brand over HTTP."""

from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.content.conftest import Place, if_match, make_place

from content.personas.policy import speaking_refusal
from contracts.content import BrandPersonaChanged
from contracts.members import CommunityRole

URL = "/v1/brand-personas"


@given(st.uuids(), st.sets(st.uuids(), max_size=3), st.booleans(), st.booleans())
def test_who_speaks_as_a_persona(community: object, named: set[object], editor: bool, retired: bool) -> None:  # noqa: FBT001
    refusal = speaking_refusal(community, named, editor=editor, retired=retired)  # type: ignore[arg-type]
    assert (refusal is None) == (editor and not retired and (not named or community in named))


async def test_personas(place: Place) -> None:
    staff = place.kit.staff(place.organization)
    made = await staff.post(URL, json={"name": {"zh": "小英老师", "en": "Teacher Ying"}})
    assert (made.status_code, made.headers["etag"]) == (201, '"1"')
    persona = made.json()
    assert (persona["community_ids"], persona["retired_at"], persona["introduction"]) == ([], None, {})
    url = f"{URL}/{persona['id']}"
    _, member = await place.member()
    assert (await member.get(url)).json() == persona
    assert (await member.get(URL)).json() == {"data": [persona], "next_cursor": None}
    assert (await staff.patch(url, json={"retired": True})).status_code == 428
    changed = await staff.patch(
        url, json={"retired": True, "community_ids": [str(place.community)] * 2}, headers=if_match(1)
    )
    assert (changed.json()["version"], changed.json()["community_ids"]) == (2, [str(place.community)])
    same = await staff.patch(url, json={"retired": True}, headers=if_match(2))
    assert same.json() == changed.json()
    assert (await staff.patch(url, json={"retired": False}, headers=if_match(1))).status_code == 412
    back = await staff.patch(url, json={"retired": False, "community_ids": []}, headers=if_match(2))
    assert (back.json()["retired_at"], back.json()["version"]) == (None, 3)
    events = [e for e in await place.kit.events(BrandPersonaChanged) if str(e.aggregateid) == persona["id"]]
    assert [(e.aggregateversion, e.data["retired"]) for e in events] == [(1, False), (2, True), (3, False)]


async def test_pages(place: Place) -> None:
    staff = place.kit.staff(place.organization)
    made = [(await staff.post(URL, json={"name": {"en": f"P{number}"}})).json()["id"] for number in range(3)]
    first = (await staff.get(f"{URL}?limit=2")).json()
    rest = (await staff.get(f"{URL}?limit=2&cursor={first['next_cursor']}")).json()
    assert [one["id"] for one in first["data"] + rest["data"]] == made
    assert rest["next_cursor"] is None


async def test_refusals(place: Place) -> None:
    persona = (await place.kit.staff(place.organization).post(URL, json={"name": {"en": "P"}})).json()
    url = f"{URL}/{persona['id']}"
    _, manager = await place.member(CommunityRole.MANAGER)
    assert (await manager.post(URL, json={"name": {"en": "P"}})).status_code == 403
    assert (await manager.patch(url, json={"retired": True}, headers=if_match(1))).status_code == 403
    partner = place.kit.partner(place.organization, "contacts:write")
    for answer in (await partner.get(URL), await partner.get(url), await partner.post(URL, json={"name": {"en": "P"}})):
        assert answer.status_code == 403
    elsewhere = await make_place(place.kit)
    foreign = place.kit.staff(elsewhere.organization)
    assert (await foreign.get(url)).status_code == 404
    assert (await foreign.get(URL)).json()["data"] == []
    assert (await foreign.patch(url, json={"retired": True}, headers=if_match(1))).status_code == 404
    assert (await foreign.get(f"{URL}/{uuid4()}")).status_code == 404


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"name": {}},
        {"name": {"??": "x"}},
        {"name": {"zh": " "}},
        {"name": {"zh": "x" * 201}},
        {"name": {"zh": "a"}, "x": 1},
    ],
)
async def test_bad_input(place: Place, body: object) -> None:
    answer = await place.kit.staff(place.organization).post(URL, json=body)
    assert answer.status_code == 422
    assert answer.json()["errors"]
