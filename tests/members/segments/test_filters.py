"""Filters: SQL finds whom plain Python finds, and what is asked for is bound."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chassis.db import transaction
from chassis.ids import new_id
from chassis.testing.kit import Kit
from members.segments.filters import compiler, queries
from members.segments.filters.evaluation import Day, Member, Moment, matches
from members.segments.filters.reading import read

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
MOMENT = Moment(NOW, "Asia/Shanghai")
TAGS = ["vip", "老用户", "' OR 1=1 --", "$1", ":p0", "%s"]
LOCALES = ["zh", "en", "pt-BR"]
GIVERS = [UUID(int=n) for n in range(1, 6)]
OTHERS = [UUID(int=n) for n in range(100, 103)]


texts = st.sampled_from(TAGS) | st.text(st.characters(blacklist_categories=["Cc", "Cs"]), min_size=1, max_size=8)
comparisons = st.sampled_from([">=", ">", "<=", "<", "=", "!="])
leaves = st.one_of(
    st.just({"never_active": True}),
    st.builds(lambda op, value: {"field": "tag", "op": op, "value": value}, st.sampled_from(["=", "!="]), texts),
    st.builds(
        lambda name, op, value: {"field": name, "op": op, "value": value},
        st.sampled_from(["tag", "locale", "zone"]),
        st.sampled_from(["in", "not_in"]),
        st.lists(st.sampled_from([*TAGS, *LOCALES, "UTC"]), min_size=1, max_size=3),
    ),
    st.builds(
        lambda op, value: {"field": "roles", "op": op, "value": value},
        st.sampled_from(["=", "!="]),
        st.sampled_from(["manager", "moderator"]),
    ),
    st.builds(
        lambda name, value: {"field": name, "op": "=", "value": value},
        st.sampled_from(["bot", "staff", "has_avatar", "has_bio"]),
        st.booleans(),
    ),
    st.builds(
        lambda op, days: {"field": "joined_at", "op": op, "value": (NOW - timedelta(days=days)).isoformat()},
        st.sampled_from(["before", "after"]),
        st.integers(0, 40),
    ),
    st.builds(
        lambda name, op, days: {"field": name, "op": op, "value": (NOW - timedelta(days=days)).isoformat()},
        st.just("last_order_at"),
        st.sampled_from(["before", "after"]),
        st.integers(0, 4),
    ),
    st.builds(
        lambda name, days: {"field": name, "op": "within_days", "value": days},
        st.sampled_from(["joined_at", "last_order_at"]),
        st.integers(1, 40),
    ),
    st.builds(
        lambda name, op, value: {"field": name, "op": op, "value": value},
        st.sampled_from(["orders", "order_total_fen"]),
        comparisons,
        st.integers(0, 3),
    ),
    st.builds(
        lambda fact, window, op, value: {"fact": fact, "window_days": window, "op": op, "value": value},
        st.sampled_from(["active_days", "posts", "comments", "reactions", "reactions_from_distinct"]),
        st.sampled_from([None, 1, 7, 30]),
        comparisons,
        st.integers(0, 3),
    ),
    st.builds(
        lambda op, value: {"fact": "last_activity_days_ago", "op": op, "value": value}, comparisons, st.integers(0, 40)
    ),
    st.builds(lambda which: {"segment": str(OTHERS[which])}, st.integers(0, 2)),
    st.builds(
        lambda salt, bucket, of: {"random": {"salt": salt, "bucket": bucket % of, "of": of}},
        texts,
        st.integers(0, 9),
        st.integers(2, 4),
    ),
)


def filters_of(leaf: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.recursive(
        leaf,
        lambda inner: st.one_of(
            st.builds(lambda some: {"all": some}, st.lists(inner, max_size=3)),
            st.builds(lambda some: {"any": some}, st.lists(inner, min_size=1, max_size=3)),
            st.builds(lambda one: {"not": one}, inner),
        ),
        max_leaves=6,
    )


FILTERS = filters_of(leaves)
days = st.dictionaries(
    st.sampled_from([-1, 0, 1, 2, 6, 7, 8, 29, 30, 31, 45]).map(lambda ago: MOMENT.today - timedelta(days=ago)),
    st.builds(Day, st.integers(0, 3), st.integers(0, 3), st.integers(0, 2)).filter(
        lambda day: day.posts + day.comments + day.reactions > 0
    ),
    max_size=5,
)


@st.composite
def members(draw: st.DrawFn) -> Member:
    acts = draw(days)
    last = max(acts, default=None)
    orders = draw(st.integers(0, 3))
    bought = {"last_order_at": NOW - timedelta(days=draw(st.integers(0, 4)))} if orders else {}
    return Member(
        account_id=new_id(),
        texts={"locale": draw(st.sampled_from(LOCALES)), "zone": draw(st.sampled_from(["UTC", "Asia/Shanghai"]))},
        flags={name: draw(st.booleans()) for name in ("has_avatar", "has_bio")}
        | {name: draw(st.integers(0, 2)) == 0 for name in ("staff", "bot")},
        times={"joined_at": NOW - timedelta(hours=draw(st.integers(0, 45 * 24))), **bought},
        numbers={"orders": orders, "order_total_fen": draw(st.integers(0, 3))} if orders else {},
        sets={
            "tag": frozenset(draw(st.sets(st.sampled_from(TAGS), max_size=3))),
            "roles": frozenset(draw(st.sets(st.sampled_from(["manager", "moderator"]), max_size=2))),
        },
        days=acts,
        received=frozenset(
            draw(
                st.sets(
                    st.tuples(
                        st.sampled_from(GIVERS),
                        st.sampled_from([-1, 0, 1, 6, 7, 8, 29, 30, 31]).map(
                            lambda ago: MOMENT.today - timedelta(days=ago)
                        ),
                    ),
                    max_size=5,
                )
            )
        ),
        # 01:00 in Shanghai is the day before in UTC.
        last_active_at=datetime(last.year, last.month, last.day, 17, tzinfo=UTC) - timedelta(days=1) if last else None,
    )


async def settle(kit: Kit, people: list[Member], organization: UUID, community: UUID) -> None:
    """Write members into the database, with an approved stranger's twin who has left."""
    await kit.sql(
        "INSERT INTO organization (id, slug, name, version, created_at) VALUES ($1, $2, 'Town', 1, now())",
        organization,
        f"o-{organization.hex[-12:]}",
    )
    rows = [
        {
            "account_id": one.account_id,
            **one.texts,
            **one.flags,
            "joined_at": one.times["joined_at"],
            "roles": sorted(one.sets["roles"]),
            "tags": sorted(one.sets["tag"]),
            "days": [{"day": day, **acts.__dict__} for day, acts in one.days.items()],
            "received": [{"giver": giver, "day": day} for giver, day in one.received],
            "last": one.last_active_at,
            "orders": one.numbers.get("orders"),
            "ordered": one.times.get("last_order_at"),
            "totals": {"USD": 7} | ({"CNY": total} if (total := one.numbers.get("order_total_fen")) else {}),
        }
        for one in people
    ]
    document = json.dumps(rows, default=lambda value: value.isoformat() if isinstance(value, date) else str(value))
    person = (
        "jsonb_to_recordset($3::text::jsonb) AS person(account_id uuid, locale text, zone text, has_avatar boolean, has_bio boolean, "
        "staff boolean, bot boolean, joined_at timestamptz, roles jsonb, tags jsonb, days jsonb, received jsonb, last timestamptz, "
        "orders int, ordered timestamptz, totals jsonb)"
    )
    statements = [
        "INSERT INTO account (id, organization_id, display_name, avatar_url, bio, locale, zone, bot, version, created_at) "
        "SELECT account_id, $1, 'x', CASE WHEN has_avatar THEN 'https://x' END, CASE WHEN has_bio THEN 'x' END, locale, zone, "
        "bot, 1, now() FROM " + person + " WHERE $2::uuid IS NOT NULL",
        "INSERT INTO community (id, organization_id, slug, name, description, zone, state, created_by, created_at, version) "
        "SELECT $2, $1, 'c-' || right($2::uuid::text, 12), '{\"en\": \"x\"}', '{}', 'Asia/Shanghai', 'open', account_id, now(), 1 "
        "FROM " + person + " LIMIT 1",
        "INSERT INTO membership (id, organization_id, community_id, account_id, state, roles, staff, bot, applied_at, joined_at, "
        "version) SELECT gen_random_uuid(), $1, $2, account_id, 'approved', ARRAY(SELECT jsonb_array_elements_text(roles)), staff, "
        "bot, joined_at, joined_at, 1 FROM " + person,
        "INSERT INTO membership_tag SELECT $1, $2, account_id, jsonb_array_elements_text(tags) FROM " + person,
        "INSERT INTO member_day SELECT $1, $2, account_id, day, posts, comments, reactions FROM " + person + ", "
        "jsonb_to_recordset(days) AS acts(day date, posts int, comments int, reactions int)",
        "INSERT INTO reaction_received SELECT $1, $2, account_id, giver, day FROM " + person + ", "
        "jsonb_to_recordset(received) AS got(giver uuid, day date)",
        "INSERT INTO member_facts SELECT $1, $2, account_id, sum(posts), sum(comments), sum(reactions), count(*), last, last "
        "FROM " + person + ", jsonb_to_recordset(days) AS acts(day date, posts int, comments int, reactions int) "
        "GROUP BY account_id, last",
        "INSERT INTO member_orders SELECT $1, $2, account_id, orders, ordered, totals FROM "
        + person
        + " WHERE orders > 0",
    ]
    for statement in statements:
        await kit.sql(statement, organization, community, document)


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    people=st.lists(members(), min_size=1, max_size=10),
    documents=st.lists(FILTERS, min_size=1, max_size=8),
    others=st.tuples(*[filters_of(leaves.filter(lambda leaf: "segment" not in leaf))] * 2),
)
async def test_sql_finds_whom_python_finds(
    kit: Kit, people: list[Member], documents: list[Any], others: tuple[Any, ...]
) -> None:
    organization, community = new_id(), new_id()
    await settle(kit, people, organization, community)
    known = {other: read(document) for other, document in zip(OTHERS[:2], others, strict=True)}
    known[OTHERS[2]] = read({"any": [{"segment": str(OTHERS[0])}, {"not": {"segment": str(OTHERS[1])}}]})
    nodes = [read(document) for document in documents]
    expected = [{one.account_id for one in people if matches(node, one, MOMENT, known)} for node in nodes]
    everybody = [one.account_id for one in people]
    async with transaction(kit.runtime.engine, organization) as session:
        for node, meant in zip(nodes, expected, strict=True):
            compiled = compiler.compile_filters([node], known, MOMENT, community)
            assert set(await queries.accounts(session, compiled)) == meant
            assert await queries.count(session, compiled) == len(meant)
        # All at once, and for some members only: what keeps segments current.
        together = compiler.compile_filters(nodes, known, MOMENT, community, each=True)
        some = everybody[::2]
        found = await queries.standings(session, together, some)
        assert found == {
            (place, account) for place, meant in enumerate(expected) for account in meant if account in set(some)
        }


def everyone() -> list[Member]:
    """Return members on either side of every border: each day around each window, staff, bots, the never active."""
    found = []
    for number, ago in enumerate([None, 0, 1, 2, 6, 7, 8, 29, 30, 31]):
        for staff, bot in ((False, False), (True, False), (False, True)):
            day = MOMENT.today - timedelta(days=ago) if ago is not None else None
            found.append(
                Member(
                    account_id=new_id(),
                    texts={"locale": LOCALES[number % 3], "zone": "UTC"},
                    flags={"has_avatar": number % 2 == 0, "has_bio": False, "staff": staff, "bot": bot},
                    times={"joined_at": NOW - timedelta(days=ago or 0)}
                    | ({"last_order_at": NOW - timedelta(days=ago)} if ago else {}),
                    numbers={"orders": number % 3 or 1, "order_total_fen": number % 4} if ago else {},
                    sets={
                        "tag": frozenset(TAGS[: number % 3]),
                        "roles": frozenset({"manager"} if number % 4 == 0 else ()),
                    },
                    days={day: Day(1 + number % 2, number % 3, 0)} if day else {},
                    received=frozenset({(GIVERS[0], day), (GIVERS[number % 2], day)}) if day else frozenset(),
                    last_active_at=datetime(day.year, day.month, day.day, 17, tzinfo=UTC) - timedelta(days=1)
                    if day
                    else None,
                )
            )
    return found


def every_leaf() -> list[dict[str, Any]]:
    """Return a leaf of each kind, with numbers on either side of what the members have."""
    return [
        {"never_active": True},
        *({"field": "tag", "op": op, "value": "vip"} for op in ("=", "!=")),
        {"field": "locale", "op": "not_in", "value": ["zh", "en"]},
        {"field": "roles", "op": "=", "value": "manager"},
        *(
            {"field": name, "op": "=", "value": value}
            for name in ("staff", "bot", "has_avatar")
            for value in (True, False)
        ),
        *(
            {"field": name, "op": "within_days", "value": days}
            for name in ("joined_at", "last_order_at")
            for days in (6, 7, 8)
        ),
        *(
            {"field": name, "op": op, "value": (NOW - timedelta(days=7)).isoformat()}
            for name in ("joined_at", "last_order_at")
            for op in ("before", "after")
        ),
        *(
            {"field": name, "op": op, "value": value}
            for name in ("orders", "order_total_fen")
            for op, value in ((">=", 1), (">", 1), ("<=", 1), ("<", 1), ("=", 0), ("!=", 2))
        ),
        *({"fact": "last_activity_days_ago", "op": op, "value": 7} for op in (">=", ">", "<=", "<", "=", "!=")),
        *(
            {"fact": fact, "window_days": window, "op": op, "value": value}
            for fact in ("active_days", "posts", "comments", "reactions", "reactions_from_distinct")
            for window in (None, 1, 7, 30)
            for op, value in ((">=", 1), (">", 1), ("<=", 1), ("<", 1), ("=", 0), ("!=", 1))
        ),
        {"segment": str(OTHERS[0])},
        {"segment": str(OTHERS[1])},
    ]


async def test_every_leaf_agrees_on_both_sides_of_every_border(kit: Kit) -> None:
    organization, community, people = new_id(), new_id(), everyone()
    await settle(kit, people, organization, community)
    week = {"fact": "posts", "window_days": 7, "op": ">=", "value": 1}
    known = {OTHERS[0]: read(week), OTHERS[1]: read({"all": [week, {"field": "staff", "op": "=", "value": True}]})}
    staff = {"field": "staff", "op": "=", "value": True}
    documents = [
        form
        for leaf in every_leaf()
        for form in (
            leaf,
            {"not": leaf},
            {"any": [leaf, staff]},
            {"not": {"any": [leaf, staff]}},
            {"all": [leaf, week]},
        )
    ]
    # A segment that names no staff has none, even for a filter that does.
    either = {"any": [staff, {"not": staff}]}
    documents += [
        {"all": [{"segment": str(OTHERS[0])}, either]},
        {"all": [either, {"any": [{"segment": str(OTHERS[0])}]}]},
    ]
    nodes = [read(document) for document in documents]
    expected = [{one.account_id for one in people if matches(node, one, MOMENT, known)} for node in nodes]
    async with transaction(kit.runtime.engine, organization) as session:
        for document, node, meant in zip(documents, nodes, expected, strict=True):
            compiled = compiler.compile_filters([node], known, MOMENT, community)
            assert set(await queries.accounts(session, compiled)) == meant, document
        for start in range(0, len(nodes), 50):
            together = compiler.compile_filters(nodes[start : start + 50], known, MOMENT, community, each=True)
            found = await queries.standings(session, together, [one.account_id for one in people])
            assert found == {
                (place, account) for place, meant in enumerate(expected[start : start + 50]) for account in meant
            }
    assert len({frozenset(meant) for meant in expected}) > 100, "the borders tell the filters apart"


async def test_injection_is_inert(kit: Kit) -> None:
    organization, community = new_id(), new_id()
    person = Member(
        account_id=new_id(),
        texts={"locale": "zh", "zone": "UTC"},
        flags=dict.fromkeys(("has_avatar", "has_bio", "staff", "bot"), False),
        times={"joined_at": NOW},
        sets={"tag": frozenset(), "roles": frozenset()},
    )
    await settle(kit, [person], organization, community)
    async with transaction(kit.runtime.engine, organization) as session:
        for value in (
            "x' OR '1'='1",
            "x'); DROP TABLE membership_tag; --",
            ":community_id",
            "\\",
            '"',
            "$1",
            "{values}",
        ):
            for form in (tagged, spoken, both):
                compiled, harmless = (
                    compiler.compile_filters([read(form(text))], {}, MOMENT, community) for text in (value, "x")
                )
                assert compiled.conditions == harmless.conditions, "what is asked for is bound, and no part of the text"
                assert await queries.accounts(session, compiled) == []


def tagged(value: str) -> Any:
    return {"field": "tag", "op": "=", "value": value}


def spoken(value: str) -> Any:
    return {"field": "locale", "op": "in", "value": [value]}


def both(value: str) -> Any:
    return {"all": [{"random": {"salt": value, "bucket": 0, "of": 2}}, tagged(value)]}
