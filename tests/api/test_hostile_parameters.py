"""Queries, cursors, versions, keys and positions that nobody gave out: refused where they are, and nothing changes."""

import base64
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from uuid import uuid4

import asyncpg
import httpx
import pytest
from tests.api.belonging import belong_twice
from tests.api.document import Operation
from tests.api.mint import OF_PROGRAMS, SELLER, Mint, asked_by
from tests.api.partners import partners_twice
from tests.api.publishing import publish_twice
from tests.api.raw import refused
from tests.api.stack import RealStack
from tests.api.town import Town, register

pytestmark = pytest.mark.usefixtures("nothing_of_ours_changes")


@pytest.fixture(scope="module")
def owner(stack: RealStack, town: Town, mint: Mint) -> Iterator[httpx.Client]:
    assert stack.base_url == town.base_url
    with town.client(mint.token(town, "owner")) as client:
        yield client


Asking = Callable[[Operation], httpx.Client]


@contextmanager
def _clients(town: Town, mint: Mint) -> Iterator[dict[str, httpx.Client]]:
    """Clients of the owner and of every program that does what is for programs alone."""
    with ExitStack() as stack:
        callers = ("owner", *set(OF_PROGRAMS.values()))
        yield {caller: stack.enter_context(town.client(mint.token(town, caller))) for caller in callers}


@pytest.fixture(scope="module")
def asking(owner: httpx.Client, town: Town, mint: Mint) -> Iterator[Asking]:
    """Who of the town can call an operation."""
    assert owner
    with _clients(town, mint) as clients:
        yield lambda one: clients[asked_by(one)]


@pytest.fixture(scope="module")
def asking_next_door(neighbours: Town, mint: Mint) -> Iterator[Asking]:
    """Who of the neighbours can call an operation."""
    with _clients(neighbours, mint) as clients:
        yield lambda one: clients[asked_by(one)]


@pytest.fixture(scope="module")
def lists(every_operation: list[Operation]) -> list[Operation]:
    """Every list, by its cursor: a new one is covered without being named here."""
    found = [one for one in every_operation if "cursor" in one.query_parameters and one.body() is None]
    assert len(found) >= 30
    return found


@pytest.mark.parametrize(
    "limit", ["0", "-1", "201", "1e9", "9" * 30, "1.5", "abc", "", " ", "0x10", "１", "true", "%2B", "null", "[]"]
)
def test_an_impossible_limit_is_refused_on_every_list(
    asking: Asking, town: Town, lists: list[Operation], limit: str
) -> None:
    for one in lists:
        refused(asking(one).get(one.ask(town.ids, f"limit={limit}")), 422, "/query/limit")


def tampered(cursor: str) -> list[str]:
    """What somebody makes of a cursor who wants another page."""
    raw = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
    changed = [
        raw[:-1],
        raw + b" ",
        raw[16:],
        raw[:16] + b"[]",
        raw[:16] + raw[16:].replace(b"0", b"1"),
        bytes([raw[0] ^ 1]) + raw[1:],
        raw[:16],
        b"\0" * 16 + raw[16:],
    ]
    encoded = [base64.urlsafe_b64encode(one).rstrip(b"=").decode() for one in changed if one != raw]
    return [*encoded, cursor.swapcase(), cursor[::-1]]


NO_CURSORS = [
    "x",
    "=",
    "====",
    "%00",
    "%0a",
    "%ED%A0%80",
    "%F0%9F%98%80",
    "x" * 1001,
    "' OR 1=1 --",
    "../..",
    "W10",
    "e30",
]


@pytest.mark.parametrize("cursor", NO_CURSORS)
def test_what_is_no_cursor_is_refused_on_every_list(
    asking: Asking, town: Town, lists: list[Operation], cursor: str
) -> None:
    for one in lists:
        refused(asking(one).get(one.ask(town.ids, f"cursor={cursor}")), 422, "/query/cursor")


NEVER_TWO = {
    # A notice for silence takes at least a week of it.
    "GET /v1/communities/{community_id}/silence-notices",
    # One an hour.
    "GET /v1/communities/{community_id}/posts/{post_id}/reminders",
}
OF_ARTICLES = {"GET /v1/communities/{community_id}/posts/{post_id}/reviews"}
"""Lists that only an editor's piece has."""


def ids_for(one: Operation, town: Town) -> dict[str, str]:
    """What to put into the path of a list that has rows."""
    return town.ids | ({"post_id": town.ids["article_id"]} if str(one) in OF_ARTICLES else {})


def _fill(town: Town, mint: Mint) -> None:
    """Give each list a second row to have a cursor behind the first."""
    base = f"/v1/communities/{town.ids['community_id']}"
    people = [town.client(mint.token(town, name)) for name in ("owner", "editor", "member")]
    with people[0] as client, people[1] as editor, people[2] as member:
        publish_twice(client, editor, member, town.ids)
        for number in range(2):
            program = {"name": f"CRM {number}", "scopes": ["orders:write"]}
            assert client.post("/v1/clients", json=program).status_code == 201
            assert client.post(f"{base}/posts", json={"body": "One more"}).status_code == 201
            url = f"{base}/posts/{town.ids['post_id']}/comments"
            assert client.post(url, json={"body": "One more"}).status_code == 201
        with town.client(mint.token(town, SELLER)) as shop:
            partners_twice(client, shop, town.ids)
        for purpose in ("email", "phone"):
            assert member.put(f"/v1/me/consents/{purpose}", json={"granted": True}).status_code == 200
        for kind in ("post", "comment"):
            assert client.put(f"{base}/{kind}s/{town.ids[f'{kind}_id']}/reactions/🎉").status_code == 200
        others = [
            (one.account_id, one.membership_id) for name, one in town.people.items() if name in {"editor", "analyst"}
        ]
        register(town, "second-candidate")
        with town.as_person("second-candidate") as candidate:
            belong_twice(client, town.ids, [(account, str(membership)) for account, membership in others], candidate)
        del town.people["second-candidate"]  # the other towns have none


@pytest.fixture(scope="module")
def paged(lists: list[Operation]) -> list[Operation]:
    """The lists that can be made to have a second row."""
    return [one for one in lists if str(one) not in NEVER_TWO]


@pytest.fixture(scope="module")
async def bought(stack: RealStack, neighbours: Town) -> None:
    """Two orders of a member: partners tell of them, and none is here."""
    connection = await asyncpg.connect(stack.database("engagement", "owner"))
    try:
        for number in range(2):
            await connection.execute(
                "INSERT INTO customer_order VALUES ($1, $2, $3, $4, NULL, $1, 'crm', $5, now(), 'CNY', 1, 0, false, 1, 1)",
                uuid4(),
                *(neighbours.organization_id, neighbours.ids["account_id"], neighbours.ids["community_id"]),
                f"SO-{number}",
            )
    finally:
        await connection.close()


@pytest.fixture(scope="module")
def cursors(
    neighbours: Town, town: Town, mint: Mint, paged: list[Operation], asking_next_door: Asking, bought: None
) -> dict[str, str]:
    """A cursor of each list of the neighbours, who may change."""
    assert bought is None
    _fill(neighbours, mint)
    pages = {str(one): asking_next_door(one).get(one.ask(ids_for(one, neighbours), "limit=1")) for one in paged}
    assert {name: page.text for name, page in pages.items() if not page.is_success} == {}
    found = {name: page.json()["next_cursor"] for name, page in pages.items()}
    assert [name for name, cursor in found.items() if not cursor] == [], "this list needs two rows: see _fill"
    assert town.organization_id != neighbours.organization_id
    return found


def test_a_cursor_is_good_for_its_own_list_only(
    neighbours: Town, asking_next_door: Asking, paged: list[Operation], cursors: dict[str, str]
) -> None:
    for one in paged:
        for name, cursor in cursors.items():
            answer = asking_next_door(one).get(one.ask(ids_for(one, neighbours), f"limit=1&cursor={cursor}"))
            if name == str(one):
                assert answer.status_code == 200, answer.text
            else:
                refused(answer, 422, "/query/cursor")


def test_a_cursor_of_another_organization_is_refused(
    asking: Asking, town: Town, paged: list[Operation], cursors: dict[str, str]
) -> None:
    for one in paged:
        refused(asking(one).get(one.ask(town.ids, f"cursor={cursors[str(one)]}")), 422, "/query/cursor")


def test_a_cursor_of_another_community_is_refused(
    neighbours: Town, mint: Mint, paged: list[Operation], cursors: dict[str, str]
) -> None:
    elsewhere = neighbours.ids | {"community_id": neighbours.other_community}
    with neighbours.client(mint.token(neighbours, "owner")) as client:
        for one in paged:
            if one.path_parameters == ["community_id"]:
                refused(client.get(one.ask(elsewhere, f"cursor={cursors[str(one)]}")), 422, "/query/cursor")


def test_a_cursor_is_bound_to_the_filters(neighbours: Town, mint: Mint, cursors: dict[str, str]) -> None:
    base = f"/v1/communities/{neighbours.ids['community_id']}"
    changed = {
        "/v1/communities": "slug=x",
        f"{base}/posts": "section=general",
        f"{base}/memberships": "state=left",
    }
    with neighbours.client(mint.token(neighbours, "owner")) as client:
        for (url, query), template in zip(
            changed.items(),
            ("/v1/communities", "/v1/communities/{community_id}/posts", "/v1/communities/{community_id}/memberships"),
            strict=True,
        ):
            refused(client.get(f"{url}?{query}&cursor={cursors[f'GET {template}']}"), 422, "/query/cursor")


def test_a_tampered_cursor_is_refused(
    neighbours: Town, asking_next_door: Asking, paged: list[Operation], cursors: dict[str, str]
) -> None:
    for one in paged:
        for cursor in tampered(cursors[str(one)]):
            refused(
                asking_next_door(one).get(one.ask(ids_for(one, neighbours), f"cursor={cursor}")), 422, "/query/cursor"
            )


@pytest.mark.parametrize(
    ("path", "query", "at"),
    [
        ("/v1/communities", "slug=%00", "/query/slug"),
        ("/v1/communities", "slug=a%0Ab%1Fc", "/query/slug"),
        ("/v1/communities", "slug=" + "x" * 61, "/query/slug"),
        ("/v1/communities/{community_id}/posts", "section=%00", "/query/section"),
        ("/v1/communities/{community_id}/posts", "section=" + "x" * 81, "/query/section"),
        ("/v1/communities/{community_id}/posts", "author=x", "/query/author"),
        ("/v1/communities/{community_id}/posts", "author=' OR 1=1", "/query/author"),
        ("/v1/communities/{community_id}/memberships", "state=owner", "/query/state"),
        ("/v1/communities/{community_id}/memberships", "state=", "/query/state"),
        # A parameter that nobody has heard of is ignored, and must be text all the same.
        ("/v1/communities/{community_id}/pulse", "x=%00", "/query/x"),
        ("/v1/me", "x=%07", "/query/x"),
    ],
)
def test_a_query_that_cannot_be_is_refused_where_it_is(
    owner: httpx.Client, town: Town, path: str, query: str, at: str
) -> None:
    refused(owner.get(f"{path.format(**town.ids)}?{query}"), 422, at)


@pytest.mark.parametrize("query", ["limit=1&limit=0", "cursor=x&cursor=x", "author=x&author=y"])
def test_of_a_parameter_that_comes_twice_no_wrong_one_slips_in(owner: httpx.Client, town: Town, query: str) -> None:
    refused(owner.get(f"/v1/communities/{town.ids['community_id']}/posts?{query}"), 422)


@pytest.mark.parametrize("text", ["' OR 1=1 --", "%25", "_", "%5C", "$1", "%7B%7D", "%ED%A0%80", "\u202e", "%C0%80"])
def test_a_filter_finds_what_it_says_and_nothing_else(owner: httpx.Client, town: Town, text: str) -> None:
    for url in ("/v1/communities?slug=", f"/v1/communities/{town.ids['community_id']}/posts?section="):
        answer = owner.get(url + text)
        assert answer.status_code == 200, answer.text
        assert answer.json() == {"data": [], "next_cursor": None}


@pytest.mark.parametrize(
    "value", ["x", "0", "00000000-0000-0000-0000-00000000000g", "null", "' OR 1=1 --", "😀", "x" * 2000, "~"]
)
def test_an_id_that_is_none_is_refused_where_it_is(
    asking: Asking, town: Town, every_operation: list[Operation], value: str
) -> None:
    """On every operation, for each of its ids; the body and the version are right."""
    for one in every_operation:
        for name in one.path_parameters:
            if name in {"emoji", "client_id", "tag", "token", "list_name", "external_id"}:
                continue
            url = one.fill(town.ids | {name: value})
            body = one.body()
            headers = {"If-Match": '"1"'} | ({"Content-Type": body[0]} if body else {})
            answer = asking(one).request(one.method, url, content=body[1] if body else None, headers=headers)
            refused(answer, 422, f"/path/{name}")


@pytest.mark.parametrize("emoji", ["a", "👍👍", ":a b:", "1", "\u200d", "\ufe0f", "x" * 41, "😀" * 40, "<script>", "🇩"])
def test_what_is_no_emoji_is_refused(owner: httpx.Client, town: Town, emoji: str) -> None:
    base = f"/v1/communities/{town.ids['community_id']}"
    for subject in ("posts/" + town.ids["post_id"], "comments/" + town.ids["comment_id"]):
        for method in ("PUT", "DELETE"):
            refused(owner.request(method, f"{base}/{subject}/reactions/{emoji}"), 422, "/path/emoji")


NO_VERSIONS = [
    'W/"1"',
    "*",
    '"abc"',
    '"-1"',
    '"1", "2"',
    '""',
    "",
    '"1.0"',
    '"1e0"',
    "9" * 19,
    '"' + "9" * 400 + '"',
    "１",
    "0x1",
    "'1'",
    '"1\t"',
]


@pytest.mark.parametrize("version", NO_VERSIONS)
def test_what_is_no_version_matches_none(
    asking: Asking, town: Town, every_operation: list[Operation], version: str
) -> None:
    for one in every_operation:
        if one.wants_version:
            body = one.body()
            headers = {b"If-Match": version.encode()} | ({b"Content-Type": body[0].encode()} if body else {})
            answer = asking(one).request(
                one.method, one.fill(town.ids), content=body[1] if body else None, headers=headers
            )
            refused(answer, 412)


def test_a_missing_version_is_asked_for(asking: Asking, town: Town, every_operation: list[Operation]) -> None:
    for one in every_operation:
        if one.wants_version:
            body = one.body()
            headers = {"Content-Type": body[0]} if body else {}
            answer = asking(one).request(
                one.method, one.fill(town.ids), content=body[1] if body else None, headers=headers
            )
            refused(answer, 428)


NO_POSITIONS = [
    "",
    "x",
    ",",
    "post",
    "post/1@1",
    f"post/{uuid4()}",
    f"post/{uuid4()}@",
    f"post/{uuid4()}@-1",
    f"post/{uuid4()}@1e3",
    f"post/{uuid4()}@{'9' * 19}",
    "post/" + "-" * 36 + "@1",
    f"POST/{uuid4()}@1",
    f"post/{uuid4()}@1;",
    f"post/{uuid4()}@1, x",
    "post/{}@1' OR 1=1 --",
    ", ".join(f"post/{uuid4()}@1" for _ in range(201)),
    "é",
]


@pytest.mark.parametrize("position", NO_POSITIONS, ids=range(len(NO_POSITIONS)))
def test_what_is_no_position_is_refused_by_every_service(owner: httpx.Client, town: Town, position: str) -> None:
    community = f"/v1/communities/{town.ids['community_id']}"
    for path in ("/v1/me", f"{community}/posts", f"{community}/pulse"):
        refused(owner.get(path, headers={b"Hearth-After": position.encode()}), 400)


def test_a_position_of_another_organization_tells_nothing(owner: httpx.Client, town: Town, neighbours: Town) -> None:
    """Content has seen it; for this caller it is one that never comes."""
    url = f"/v1/communities/{town.ids['community_id']}/posts"
    theirs = f"membership/{neighbours.ids['membership_id']}@1"
    ours = f"membership/{town.ids['membership_id']}@1"
    assert owner.get(url, headers={"Hearth-After": ours}).status_code == 200
    answer = owner.get(url, headers={"Hearth-After": theirs})
    refused(answer, 503)
    assert answer.headers["retry-after"]


NO_KEYS = ["", "x" * 256, "é", "鍵", "a\tb", "a\x80"]


@pytest.mark.parametrize("key", NO_KEYS, ids=range(len(NO_KEYS)))
def test_what_is_no_idempotency_key_is_refused(owner: httpx.Client, town: Town, key: str) -> None:
    posts = f"/v1/communities/{town.ids['community_id']}/posts"
    for url, body in (("/v1/clients", {"name": "CRM", "scopes": ["orders:write"]}), (posts, {"body": "x"})):
        refused(owner.post(url, json=body, headers={b"Idempotency-Key": key.encode()}), 400)


def test_a_key_stands_for_one_request_of_one_caller(neighbours: Town, mint: Mint) -> None:
    key = {"Idempotency-Key": str(uuid4())}
    program = {"name": "CRM", "scopes": ["orders:write"]}
    with neighbours.client(mint.token(neighbours, "owner")) as owner:
        made = owner.post("/v1/clients", json=program, headers=key)
        assert made.status_code == 201, made.text
        # In another session too: the caller is the account.
        again = owner.post("/v1/clients", json=program, headers=key)
        assert (again.status_code, again.json()) == (201, made.json())
        refused(owner.post("/v1/clients", json=program | {"name": "Other"}, headers=key), 422)
        refused(owner.post("/v1/clients?x=1", json=program, headers=key), 422)
        community = {"name": {"en": "x"}, "slug": "by-another-path", "zone": "UTC"}
        refused(owner.post("/v1/communities", json=community, headers=key), 422)
        # What was refused holds no key.
        fresh = {"Idempotency-Key": str(uuid4())}
        refused(owner.post("/v1/clients", json={}, headers=fresh), 422)
        assert owner.post("/v1/clients", json=program, headers=fresh).status_code == 201
    with neighbours.client(mint.token(neighbours, "admin")) as admin:
        other = admin.post("/v1/clients", json=program, headers=key)
        assert other.status_code == 201
        assert other.json()["id"] != made.json()["id"]
    with neighbours.client(mint.token(neighbours, "member")) as member:
        refused(member.post("/v1/clients", json=program, headers=key), 403)
