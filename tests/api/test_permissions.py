"""Who may call what: every operation of the document with every kind of caller, so that a new route cannot be forgotten."""

from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from dataclasses import dataclass
from uuid import uuid4

import httpx
import pytest
from tests.api.document import Operation
from tests.api.mint import FORGERIES, HOOKED, JUDGE, OF_PROGRAMS, PARTNER, PROGRAMS, SELLER, Mint, asked_by
from tests.api.stack import RealStack
from tests.api.town import PEOPLE, Town, sign_in

from chassis.embedded.process import wait_until

STAFF = {"owner", "admin"}
STRANGERS = {"outsider", "applicant", "rejected", "left", "removed"}
MEMBERS = PEOPLE.keys() - STRANGERS
CALLERS = sorted(STAFF | PEOPLE.keys() | PROGRAMS.keys())
# What a permission means, written down a second time: a permission that is not here fails the tests until somebody thinks about it.
ALLOWED: dict[str, set[str]] = {
    "public": {*CALLERS},
    "signed_in": {*CALLERS},
    "person": STAFF | PEOPLE.keys(),
    "organization_staff": STAFF,
    "organization_owner": {"owner"},
    # Only programs with its scope, which the other partners have not.
    **{permission: {program} for permission, program in OF_PROGRAMS.items()},
    # Every partner's things for staff; for programs with this scope their own.
    "partner_manager": STAFF | {HOOKED},
    "community_visitor": STAFF | PEOPLE.keys(),
    "community_member": STAFF | MEMBERS,
    "community_moderator": STAFF | {"moderator", "manager"},
    "community_editor": STAFF | {"editor", "manager"},
    "community_analyst": STAFF | {"analyst", "manager"},
    "community_editor_or_analyst": STAFF | {"editor", "analyst", "manager"},
    "community_manager": STAFF | {"manager"},
}
# What anybody may call, one by one; and of the others those that would hurt most if they were let go.
PUBLIC = {
    "getJwks",
    "registerAccount",
    "readMedia",
    "signUpOrganization",
    "createSession",
    "refreshSession",
    "claimInvitation",
    "issueClientToken",
    "openEntryLink",
    "receiveWebhook",
}
NAMES_NOTHING = {"putContact", "decideOwnConsent", "putOrder", "refundOrder"}
"""What these name comes to be by them, and in another organization it is that one's own."""
SIGNED = {"readMedia"}
"""These look at the signature in the address, and the one here is none."""
TOLD = {"exportPosts", "exportComments", "exportPulse", "exportWorth", "exportCommunityOrders"}
"""Reading these is told by an event, and there is nothing in them to aim past: whoever may cannot call them without a trace."""
AT_LEAST = {
    "organization_owner": {"setOrganizationRole"},
    "organization_staff": {
        "listAccounts",
        "inviteAccount",
        "previewAccountMerge",
        "mergeAccounts",
        "createClient",
        "listClients",
        "rotateClientSecret",
        "deleteClient",
        "createCommunity",
        "createCommunityTemplate",
        "rollOutCommunityTemplate",
        "createGroupTemplate",
        "rollOutGroupTemplate",
    },
    "community_manager": {
        "exportPosts",
        "exportComments",
        "updateCommunity",
        "openCommunity",
        "pauseCommunity",
        "archiveCommunity",
        "approveMembership",
        "rejectMembership",
        "setMembershipRoles",
        "importMemberships",
        "importPosts",
        "importComments",
        "importReactions",
        "writeCharter",
        "createGoal",
        "writeForm",
        "writeScreeningPolicy",
        "createPersona",
        "createEntryLink",
        "createGroup",
        "writeGroupRules",
        "tagMemberships",
        "createSegment",
        "adoptTierStandard",
        "placeInTier",
        "setMembershipStandard",
        "decideSilenceAppeal",
    },
    "community_moderator": {"removeMembership", "listApplications", "decideApplications", "listNotes", "writeNote"},
    "community_analyst": {"exportPulse", "getPulse", "countTiers", "previewSegment", "listSegmentMembers"},
    "community_editor_or_analyst": {
        "exportWorth",
        "listWorth",
        "getPostWorth",
        "getPunctuality",
        "getThemeMix",
        "getFreshness",
    },
    "community_member": {"listMemberships", "listPosts", "getPost", "createPost", "listComments", "createComment"},
}
PROBLEM = "application/problem+json"
NOWHERE = str(uuid4())
# What is no id: it cannot be wrong in the way that an id can, and says the same everywhere.
WORDS = {"emoji", "tag", "tier", "outcome", "list_name", "q", "variant", "purpose"}
MISSING = {"version": "999999", "number": "999999", "list_name": "nothing"}


def nowhere(ids: Mapping[str, str], *but: str) -> dict[str, str]:
    """Ids of things that are not there, except of those that are named."""
    return dict.fromkeys(ids, NOWHERE) | {name: ids[name] for name in (*but, *WORDS)} | MISSING


@dataclass
class Desk:
    """Makes requests from operations' own descriptions, and notes what is wrong with the answers."""

    town: Town
    http: httpx.AsyncClient
    operations: list[Operation]

    async def send(
        self, operation: Operation, token: str | None, ids: Mapping[str, str], *, harmless: bool = False
    ) -> httpx.Response:
        """Send what would work for somebody who may; a harmless request is one that nobody could have done."""
        headers = operation.headers()
        if token is not None:
            headers["Authorization"] = token if " " in token else f"Bearer {token}"
        if operation.wants_version:
            last = operation.path_parameters[-1:] or ["account_id"]
            headers["If-Match"] = '"999999"' if harmless else f'"{self.town.versions.get(last[0], 1)}"'
        body = operation.body()
        content = None
        if body is not None:
            headers["Content-Type"] = body[0]
            wrong = b'{"unheard-of": true}' if "json" in body[0] or "form" in body[0] else b""
            content = wrong if harmless else body[1]
        return await self.http.request(operation.method, operation.fill(ids), headers=headers, content=content)

    async def complaints(
        self,
        wanted: Callable[[Operation], Iterable[int]],
        token: Callable[[], str | None],
        ids: Mapping[str, str] | None = None,
    ) -> list[str]:
        """Send every operation and return how the answers differ from the wanted statuses; none wanted leaves it out."""
        found = []
        for operation in self.operations:
            statuses = set(wanted(operation))
            if not statuses:
                continue
            answer = await self.send(operation, token(), ids or self.town.ids)
            if answer.status_code not in statuses:
                found.append(f"{operation}: {answer.status_code}, not {statuses}: {answer.text[:200]}")
            elif answer.status_code >= 400:
                found += improper(operation, answer)
        return found


def improper(operation: Operation, answer: httpx.Response) -> list[str]:
    """What is wrong with a refusal as a problem document."""
    found = []
    if answer.headers.get("content-type") != PROBLEM:
        return [f"{operation}: {answer.status_code} as {answer.headers.get('content-type')}"]
    problem = answer.json()
    if problem["status"] != answer.status_code or not problem["type"].startswith("urn:hearth:problem:"):
        found.append(f"{operation}: {problem}")
    if answer.status_code == 401:
        # RFC 6750, 3.1: who has sent no token is told no error.
        error = "" if problem["type"].endswith(":token-missing") else ', error="invalid_token"'
        if answer.headers.get("www-authenticate") != f'Bearer realm="hearth"{error}':
            found.append(f"{operation}: 401 with the challenge {answer.headers.get('www-authenticate')}")
    return found


@pytest.fixture
async def desk(stack: RealStack, town: Town, every_operation: list[Operation]) -> AsyncIterator[Desk]:
    async with httpx.AsyncClient(base_url=stack.base_url, trust_env=False, verify=False, timeout=30.0) as http:
        yield Desk(town, http, every_operation)


def test_every_operation_states_a_permission_that_is_known_here(every_operation: list[Operation]) -> None:
    assert [str(one) for one in every_operation if one.permission not in ALLOWED] == []
    assert len(every_operation) > 50


def test_what_is_public_and_what_is_not_is_written_down(every_operation: list[Operation]) -> None:
    stated = {one.name: one.permission for one in every_operation}
    assert {name for name, permission in stated.items() if permission == "public"} == PUBLIC
    for permission, names in AT_LEAST.items():
        assert {name: stated.get(name) for name in names} == dict.fromkeys(names, permission)


def test_the_permission_and_the_need_of_a_token_say_the_same(every_operation: list[Operation]) -> None:
    assert [str(one) for one in every_operation if one.needs_token != (one.permission != "public")] == []


def test_a_path_that_cannot_be_filled_fails_rather_than_being_left_out(town: Town) -> None:
    with pytest.raises(LookupError, match="dragon_id"):
        Operation("GET", "/v1/communities/{community_id}/dragons/{dragon_id}", {"security": []}).fill(town.ids)


@pytest.mark.usefixtures("unchanged")
async def test_without_a_token_only_what_is_public_answers(desk: Desk) -> None:
    assert await desk.complaints(lambda one: {401} if one.needs_token else (), lambda: None) == []
    # Nothing is asked of the caller: what is wrong is the body, or the signature in the address.
    for operation in (one for one in desk.operations if not one.needs_token):
        answer = await desk.send(operation, None, desk.town.ids, harmless=True)
        body = 200 if operation.body() is None else 400 if "token" in operation.path else 422
        signed = {"readMedia": 403, "receiveWebhook": 401}
        assert answer.status_code == signed.get(operation.name, body), (operation, answer.text)


@pytest.mark.usefixtures("unchanged")
@pytest.mark.parametrize("kind", FORGERIES)
async def test_a_forged_token_is_refused(desk: Desk, mint: Mint, kind: str) -> None:
    def token() -> str:
        return FORGERIES[kind](mint, mint.claims(desk.town, "owner"))

    assert await desk.complaints(lambda one: () if one.ignores_tokens else {401}, token) == []


@pytest.mark.usefixtures("unchanged")
async def test_another_scheme_is_refused(desk: Desk) -> None:
    assert (
        await desk.complaints(lambda one: () if one.ignores_tokens else {401}, lambda: "Basic b3duZXI6cGFzcw==") == []
    )


@pytest.mark.usefixtures("unchanged")
async def test_the_services_refuse_what_the_gateway_does_not_look_at(stack: RealStack, desk: Desk, mint: Mint) -> None:
    """Each service verifies the token again: whoever gets past the gateway gets nothing."""
    token = FORGERIES["wrong key"](mint, mint.claims(desk.town, "owner"))
    async with httpx.AsyncClient(trust_env=False, verify=False) as http:
        for service in ("members", "content", "engagement"):
            address = stack.processes[service]["url"]
            paths = (await http.get(f"{address}/openapi.json")).json()["paths"]
            mine = Desk(desk.town, http, [one for one in desk.operations if one.path in paths and one.needs_token])
            assert mine.operations
            http.base_url = httpx.URL(address)
            assert await mine.complaints(lambda _: {401}, lambda: token) == []
            assert await mine.complaints(lambda _: {401}, lambda: None) == []


async def test_who_signed_out_is_refused_by_every_operation(stack: RealStack, desk: Desk) -> None:
    token = sign_in(desk.town, "left").token
    communities = f"/v1/communities/{NOWHERE}"
    paths = ("/v1/me", f"{communities}/posts", f"{communities}/pulse")
    with desk.town.client(token) as mine:
        assert mine.delete("/v1/sessions/current").status_code == 204
        # The other services hear of it by an event.
        assert wait_until(lambda: all(mine.get(path).status_code == 401 for path in paths), 10)
    stack.drain()
    before = await stack.contents()
    assert await desk.complaints(lambda one: {401} if one.needs_token else (), lambda: token) == []
    assert await stack.contents() == before


@pytest.mark.usefixtures("unchanged")
@pytest.mark.parametrize("caller", CALLERS)
async def test_each_role_gets_what_its_permission_says(desk: Desk, mint: Mint, caller: str) -> None:
    town = desk.town

    def token() -> str:
        return mint.token(town, caller)

    assert await desk.complaints(lambda one: () if caller in ALLOWED[one.permission] else {403}, token) == []
    # Where it is let in nothing comes of it: the things are not there, the version is stale, the body is wrong.
    nothing = nowhere(town.ids, "community_id", "organization_id")
    for operation in desk.operations:
        if caller in ALLOWED[operation.permission] and operation.permission != "public" and operation.name not in TOLD:
            answer = await desk.send(operation, token(), nothing, harmless=True)
            assert answer.status_code not in {401, 403}, (operation, answer.text)
            assert answer.status_code < 500, (operation, answer.text)


@pytest.mark.usefixtures("unchanged")
async def test_a_role_in_one_community_is_none_in_another(desk: Desk, mint: Mint) -> None:
    elsewhere = desk.town.ids | {"community_id": desk.town.other_community}
    for caller in sorted(MEMBERS):

        def wanted(one: Operation) -> set[int]:
            return {403} if one.in_community and "outsider" not in ALLOWED[one.permission] else set()

        assert await desk.complaints(wanted, lambda: mint.token(desk.town, caller), elsewhere) == [], caller  # noqa: B023


@pytest.mark.usefixtures("unchanged")
async def test_a_draft_is_closed_to_all_but_staff(desk: Desk, mint: Mint) -> None:
    draft = desk.town.ids | {"community_id": desk.town.draft_community}
    for caller in ("outsider", "manager"):
        found = await desk.complaints(
            lambda one: {403} if one.in_community else (),
            lambda: mint.token(desk.town, caller),  # noqa: B023
            draft,
        )
        assert found == [], caller


@pytest.mark.usefixtures("unchanged")
async def test_things_of_one_community_are_not_found_through_another(desk: Desk, mint: Mint) -> None:
    elsewhere = desk.town.ids | {"community_id": desk.town.other_community}
    for caller in ("owner", PARTNER):

        def wanted(one: Operation) -> set[int]:
            named = {*one.path_parameters} - {"community_id", *WORDS}
            return {404} if one.in_community and named and caller == asked_by(one) else set()  # noqa: B023

        assert await desk.complaints(wanted, lambda: mint.token(desk.town, caller), elsewhere) == [], caller  # noqa: B023


@pytest.mark.usefixtures("unchanged")
async def test_what_does_not_exist_is_not_found(desk: Desk, mint: Mint) -> None:
    for caller in ("owner", JUDGE, PARTNER, SELLER):

        def wanted(one: Operation) -> set[int]:
            if not one.path_parameters or caller != asked_by(one) or one.name in NAMES_NOTHING:  # noqa: B023
                return set()
            return {403} if one.name in SIGNED else {404}

        found = await desk.complaints(wanted, lambda: mint.token(desk.town, caller), nowhere(desk.town.ids))  # noqa: B023
        assert found == [], caller


@pytest.mark.usefixtures("unchanged")
@pytest.mark.parametrize("caller", ["owner", PARTNER, JUDGE, HOOKED, SELLER])
async def test_another_organization_finds_nothing(desk: Desk, mint: Mint, neighbours: Town, caller: str) -> None:
    def token() -> str:
        return mint.token(neighbours, caller)

    def wanted(one: Operation) -> set[int]:
        if not one.path_parameters or not one.needs_token:
            return set()
        if caller in ALLOWED[one.permission] and one.name in NAMES_NOTHING:
            return set()
        # Who may not ask for it anywhere is told so before anybody looks.
        return {404} if caller in ALLOWED[one.permission] else {403, 404} if caller in PROGRAMS else {403}

    assert await desk.complaints(wanted, token) == []


async def test_another_organization_acts_on_its_own_things_only(
    stack: RealStack, desk: Desk, mint: Mint, neighbours: Town
) -> None:
    """Operations that name no thing: whatever they do, they do it to the caller's own organization."""
    stack.drain()
    before = await stack.contents(desk.town.organization_id)
    secret = desk.town.everything()
    for operation in desk.operations:
        if not operation.path_parameters and operation.permission != "public":
            answer = await desk.send(operation, mint.token(neighbours, "owner"), {})
            assert answer.status_code < 500, (operation, answer.text)
            assert [one for one in secret if one in answer.text] == [], operation
    stack.drain()
    assert await stack.contents(desk.town.organization_id) == before
