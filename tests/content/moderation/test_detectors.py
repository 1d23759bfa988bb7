"""Detectors over HTTP: who defines them, what they take, and how they are changed and tried."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.content.conftest import code, if_match, make_place
from tests.content.moderation.conftest import CLAUSE, Court

from chassis.testing.kit import Kit
from content.moderation.detectors.policy import Facts, FloodingDetection, Rate, applicable
from contracts.content import DetectorChanged
from contracts.members import CommunityRole

WORDS = {"name": "Words", "action": "hold", "settings": {"kind": "words", "words": ["加微信"]}, **CLAUSE}


async def test_life_of_a_detector(court: Court) -> None:
    url = f"{court.path}/detectors"
    made = await court.moderator.post(url, json=WORDS)
    assert (made.status_code, made.headers["etag"]) == (201, '"1"')
    detector = made.json()
    assert detector["settings"] == {"kind": "words", "words": ["加微信"], "exceptions": [], "whole_words": True}
    assert (detector["subjects"], detector["staff"], detector["enabled"]) == (["post", "comment"], False, True)
    one = f"{url}/{detector['id']}"
    assert (await court.moderator.get(one)).json() == detector
    [listed] = (await court.moderator.get(url)).json()["data"]
    assert listed == {name: value for name, value in detector.items() if name != "settings"}

    assert (await court.moderator.patch(one, json={"action": "block"})).status_code == 428
    assert (await court.moderator.patch(one, json={"action": "block"}, headers=if_match(2))).status_code == 412
    same = await court.moderator.patch(one, json={"action": "hold"}, headers=if_match(1))
    assert (same.status_code, same.json()["version"]) == (200, 1)
    changed = await court.moderator.patch(one, json={"action": "block", "clause_code": "3.3"}, headers=if_match(1))
    assert (changed.json()["action"], changed.json()["clause_code"], changed.json()["version"]) == ("block", "3.3", 2)
    other = await court.moderator.patch(one, json={"settings": {"kind": "contacts"}}, headers=if_match(2))
    assert (other.status_code, code(other)) == (409, "detector-kind-fixed")
    assert (await court.moderator.delete(one, headers=if_match(2))).status_code == 204
    assert (await court.moderator.get(one)).status_code == 404
    assert (await court.moderator.get(url)).json()["data"] == []
    told = await court.events(DetectorChanged)
    assert [(e.aggregateversion, e.data["action"], e.data["retired"]) for e in told] == [
        (1, "hold", False),
        (2, "block", False),
        (3, "block", True),
    ]
    assert "微信" not in told[0].model_dump_json()


async def test_who_may(court: Court, kit: Kit) -> None:
    _, member = await court.place.member()
    _, editor = await court.place.member(CommunityRole.EDITOR)
    elsewhere = await make_place(kit)
    _, foreign = await elsewhere.member(CommunityRole.MODERATOR)
    detector = await court.put_up(WORDS)
    paths = ("detectors", f"detectors/{detector['id']}", "holds", f"holds/{uuid4()}", "detections", "moderation-policy")
    for path in paths:
        for client, status in (
            (member, 403),
            (editor, 403),
            (kit.partner(court.place.organization, "members:read"), 403),
            (foreign, 404),
            (kit.client(), 401),
        ):
            assert (await client.get(f"{court.path}/{path}")).status_code == status, path
    assert (await foreign.get(f"{elsewhere.path}/detectors/{detector['id']}")).status_code == 404
    assert (
        await foreign.patch(
            f"{elsewhere.path}/detectors/{detector['id']}", json={"enabled": False}, headers=if_match(1)
        )
    ).status_code == 404


@pytest.mark.parametrize(
    ("settings", "pointer"),
    [
        ({"kind": "unheard-of"}, "/settings"),
        ({"kind": "words", "words": []}, "/settings/words"),
        ({"kind": "words", "words": ["ok", "(.*)+"]}, "/settings/words/1"),
        ({"kind": "words", "words": ["ok"], "exceptions": ["\u200b。"]}, "/settings/exceptions/0"),
        ({"kind": "words", "words": ["x" * 101]}, "/settings/words/0"),
        ({"kind": "words", "words": ["w"] * 20_001}, "/settings/words"),
        ({"kind": "words", "words": ["a\u0000b"]}, "/settings/words/0"),
        ({"kind": "links", "denied": ["https://evil.com/x"]}, "/settings/denied/0"),
        ({"kind": "contacts", "contacts": ["pigeon"]}, "/settings/contacts/0"),
        ({"kind": "flooding", "rates": []}, "/settings/rates"),
        ({"kind": "flooding", "rates": [{"most": 0, "seconds": 1}]}, "/settings/rates/0/most"),
        ({"kind": "flooding", "rates": [{"most": 1, "seconds": 10**9}]}, "/settings/rates/0/seconds"),
        ({"kind": "duplicates", "similarity": 2}, "/settings/similarity"),
        ({"kind": "newcomers", "days": 7}, "/settings"),
        ({"kind": "newcomers", "days": 0, "no_links": True}, "/settings/days"),
    ],
)
async def test_bad_settings(court: Court, settings: dict[str, Any], pointer: str) -> None:
    answer = await court.moderator.post(f"{court.path}/detectors", json={**WORDS, "settings": settings})
    assert answer.status_code == 422, answer.text
    assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]


async def test_a_community_has_fifty_detectors(court: Court) -> None:
    for _ in range(50):
        last = await court.put_up(WORDS)
    answer = await court.moderator.post(f"{court.path}/detectors", json=WORDS)
    assert (answer.status_code, code(answer)) == (409, "too-many-detectors")
    url = f"{court.path}/detectors/{last['id']}"
    assert (await court.moderator.delete(url, headers=if_match(1))).status_code == 204
    await court.put_up(WORDS)
    seen, cursor = [], None
    while True:
        query = {"limit": "20"} | ({"cursor": cursor} if cursor else {})
        page = (await court.moderator.get(f"{court.path}/detectors", params=query)).json()
        seen += [one["id"] for one in page["data"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert (len(seen), sorted(seen)) == (50, seen)


async def test_trial(court: Court) -> None:
    url = f"{court.path}/detectors/trial"
    body = {"settings": {"kind": "words", "words": ["加微信"]}, "text": "想要资料请加 微 信"}
    assert (await court.moderator.post(url, json=body)).json() == {"spans": [{"field": "body", "start": 5, "end": 10}]}
    flooding = {"settings": {"kind": "flooding", "rates": [{"most": 1, "seconds": 1}]}, "text": "x"}
    assert (await court.moderator.post(url, json=flooding)).json() == {"spans": []}
    empty = {"settings": {"kind": "words", "words": ["。"]}, "text": "x"}
    assert (await court.moderator.post(url, json=empty)).status_code == 422


RATES = st.builds(
    Rate, st.integers(1, 5), st.integers(1, 100), st.one_of(st.none(), st.sampled_from(["new", "regular"]))
)
NOW = datetime(2026, 3, 2, tzinfo=UTC)


@given(
    st.lists(RATES, min_size=1, max_size=5),
    st.sampled_from([None, "new", "regular", "gold"]),
    st.lists(st.integers(0, 120), max_size=10),
)
def test_a_rate_is_never_exceeded_by_what_passes(rates: list[Rate], tier: str | None, ages: list[int]) -> None:
    facts = Facts(now=NOW, tier=tier, said=[NOW - timedelta(seconds=age) for age in ages])
    finding = FloodingDetection(rates).find({}, facts)
    mine = applicable(rates, tier)
    assert all(rate.tier in {None, tier} for rate in mine)
    assert (finding is None) == all(sum(age < rate.seconds for age in ages) < rate.most for rate in mine)
