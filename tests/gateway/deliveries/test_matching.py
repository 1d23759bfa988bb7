"""The statement that chooses endpoints, against the rule in Python."""

from __future__ import annotations

from uuid import UUID

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.gateway.deliveries.tenant import Tenant

from chassis.db import transaction
from chassis.ids import new_id
from chassis.testing.kit import Kit
from contracts.catalogue import filters_for
from gateway.deliveries.fanout.policy import Listener, News, wants, withholds
from gateway.deliveries.fanout.queries import audiences

TYPES = [
    "content.post.published.v1",
    "content.post.edited.v1",
    "content.comment.published.v1",
    "members.consent.changed.v1",
]
FILTERS = sorted({one for name in TYPES for one in filters_for(name)} | {"content.pos.*", "content.post", "content.p*"})
IDS = [UUID(int=number) for number in range(1, 5)]

listeners = st.builds(
    Listener,
    endpoint_id=st.builds(new_id),
    client_id=st.sampled_from(IDS),
    event_types=st.lists(st.sampled_from(FILTERS), max_size=3, unique=True),
    community_ids=st.lists(st.sampled_from(IDS), max_size=2, unique=True),
)
some_news = st.builds(
    News,
    type=st.sampled_from(TYPES),
    community_id=st.none() | st.sampled_from(IDS),
    client_id=st.none() | st.sampled_from(IDS),
)


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    asked=st.lists(listeners, max_size=8), told=st.lists(some_news, min_size=1, max_size=6, unique=True), data=st.data()
)
async def test_sql_chooses_whom_the_rule_chooses(
    kit: Kit, asked: list[Listener], told: list[News], data: st.DataObject
) -> None:
    tenant = Tenant(kit)
    found = []
    for one in asked:
        identifier = await tenant.endpoint(
            types=tuple(one.event_types), communities=tuple(one.community_ids), client=one.client_id
        )
        found.append(Listener(identifier, one.client_id, one.event_types, one.community_ids))
    if found:
        about = data.draw(st.sampled_from([None, *(one.endpoint_id for one in found)]))
        told = list(dict.fromkeys([*told, News(told[0].type, told[0].community_id, None, about)]))
    async with transaction(kit.runtime.worker_engine, tenant.organization) as session:
        chosen = await audiences(session, tenant.organization, told)
    meant = {news: sum(wants(one, news) for one in found) for news in told}
    assert {news: audience.endpoints for news, audience in chosen.items()} == {
        news: number for news, number in meant.items() if number
    }


@given(
    personal=st.booleans(),
    persons=st.lists(st.sampled_from(IDS), max_size=3),
    granted=st.dictionaries(st.sampled_from(IDS), st.booleans()),
)
def test_nobody_is_told_of_without_their_word(
    *, personal: bool, persons: list[UUID], granted: dict[UUID, bool]
) -> None:
    assert not withholds(needs_consent=False, personal=personal, persons=persons, granted=granted)
    withheld = withholds(needs_consent=True, personal=personal, persons=persons, granted=granted)
    if any(granted.get(person) is not True for person in persons):
        assert withheld
    elif persons:
        assert not withheld
    else:
        assert withheld == personal
