"""Schemathesis over the gateway: an owner, and a program that judges, who send everything that the document allows, and much that it does not."""

from collections import Counter
from collections.abc import Iterator, MutableMapping
from hashlib import sha256
from typing import Any
from uuid import UUID

import pytest
import requests
import schemathesis
from schemathesis.checks import load_all_checks
from schemathesis.config import SchemathesisConfig
from schemathesis.core.result import Ok
from schemathesis.pytest.lazy import get_all_tests
from tests.api.document import Json, Operation
from tests.api.mint import Mint, asked_by
from tests.api.stack import RealStack
from tests.api.town import Town, found_town

EXAMPLES_PER_OPERATION = 6
SEED = 20181122
# Refusals that valid data may meet: what is not there, what has moved on, too many wrong passwords, and what only the service can judge.
MEETS = ["2xx", "401", "403", "404", "409", "410", "412", "422", "429"]
CONFIG: Json = {
    "seed": SEED,
    "generation": {
        "max-examples": EXAMPLES_PER_OPERATION,
        "deterministic": True,
        "no-shrink": True,
        "database": "none",
        "with-security-parameters": False,
        # Unknown parameters of a query are ignored, as everywhere on the web; unknown fields of a body are not.
        "allow-extra-parameters": False,
    },
    "phases": {"stateful": {"enabled": False}},
    "checks": {
        "positive_data_acceptance": {"expected-statuses": MEETS},
        "negative_data_rejection": {
            "expected-statuses": ["400", "401", "403", "404", "405", "409", "412", "413", "414", "415", "422", "428"]
        },
        "missing_required_header": {"expected-statuses": ["422", "428"]},
        # Who may call what has tests of its own, over all of it.
        "ignored_auth": {"enabled": False},
    },
    "operations": [
        # Items of an import are judged one by one: what is wrong with one stands in the report, and the others go in.
        {"include-operation-id-regex": "^import", "checks": {"negative_data_rejection": {"enabled": False}}},
        # OAuth's way to say that the credentials in a well-formed request are wrong.
        {"include-operation-id": "issueClientToken", "checks": {"positive_data_acceptance": {"enabled": False}}},
        # A part may be no longer than what is missing of the file, which only the service knows.
        {
            "include-operation-id": "uploadPart",
            "checks": {"positive_data_acceptance": {"expected-statuses": [*MEETS, "413"]}},
        },
    ],
}
FREE_TEXT = {"list_name", "tag", "token", "external_id"}


@schemathesis.serializer("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet")
def workbook(_context: Any, value: Any) -> bytes:
    """Send what was drawn for a workbook, which is none."""
    return value if isinstance(value, bytes) else str(value).encode()


# They would end what the others need.
ON_ANOTHER_COMMUNITY = {"archiveCommunity", "pauseCommunity"}


@pytest.fixture(scope="module")
def playground(stack: RealStack) -> Town:
    """An organization that may be broken."""
    return found_town(stack.base_url)


@pytest.fixture(scope="module")
def things(playground: Town) -> dict[str, list[str]]:
    """What path parameters may name, several of each that can be deleted."""
    named = {name: [value] for name, value in playground.ids.items() if name != "emoji"}
    base = f"/v1/communities/{playground.ids['community_id']}/posts"
    with playground.as_person("owner") as owner:
        for number in range(5):
            post = owner.post(base, json={"body": f"Post {number}"}).json()["id"]
            comment = owner.post(f"{base}/{post}/comments", json={"body": "Comment"}).json()["id"]
            named["post_id"].append(post)
            named["comment_id"].append(comment)
    return named


@pytest.fixture(scope="module")
def fuzzed(stack: RealStack, document: Json) -> schemathesis.BaseSchema:
    config = SchemathesisConfig.from_dict({**CONFIG, "base-url": stack.base_url})
    return schemathesis.openapi.from_dict(document, config=config)


@pytest.fixture(scope="module")
def connection() -> Iterator[requests.Session]:
    with requests.Session() as session:
        session.trust_env = False
        yield session


def aim(case: schemathesis.Case[Any], playground: Town, things: dict[str, list[str]]) -> None:
    """Let most ids that could be somebody's be of something that is there, and most versions be young; the case itself decides which."""
    for name, value in case.path_parameters.items():
        digest = sha256(repr((case.path, case.body, value)).encode()).digest()
        # The gateway takes no free text in a path that reads two ways; what it refuses has tests of its own.
        if name in things and (name in FREE_TEXT or (digest[0] < 224 and _is_id(value))):
            case.path_parameters[name] = things[name][digest[1] % len(things[name])]
            if case.operation.definition.raw["operationId"] in ON_ANOTHER_COMMUNITY:
                case.path_parameters[name] = playground.other_community
    headers: MutableMapping[str, str] = case.headers
    version = headers.get("If-Match", "").strip('"')
    if version.isdigit() and version.isascii():
        headers["If-Match"] = f'"{int(version) % 4 + 1}"'
    # The coverage phase knows no patterns: it fills every header with this.
    for name in ("Hearth-After", "Idempotency-Key"):
        if headers.get(name) == "0":
            del headers[name]
    # What was never written would be waited for.
    if "@" in headers.get("Hearth-After", ""):
        headers["Hearth-After"] = f"membership/{playground.ids['membership_id']}@1"


def _is_id(value: object) -> bool:
    try:
        return str(UUID(str(value))) == value
    except ValueError:
        return False


@pytest.mark.timeout(1800)  # it sends thousands of requests
def test_whatever_is_sent_is_answered_as_documented(
    fuzzed: schemathesis.BaseSchema,
    playground: Town,
    things: dict[str, list[str]],
    mint: Mint,
    connection: requests.Session,
    subtests: pytest.Subtests,
) -> None:
    sent: Counter[str] = Counter()

    def check(case: schemathesis.Case[Any]) -> None:
        aim(case, playground, things)
        sent[case.operation.label] += 1
        asked = Operation(case.method, case.path, case.operation.definition.raw)
        token = mint.token(playground, asked_by(asked))
        case.call_and_validate(session=connection, headers={"Authorization": f"Bearer {token}"})

    load_all_checks()
    # What its pytest plugin does for a schema from a fixture, which fails with this pytest: it writes to a node's id.
    for made in get_all_tests(schema=fuzzed, test_func=check, settings=None, given_kwargs={}):
        assert isinstance(made, Ok), made
        operation, test = made.ok()
        with subtests.test(operation=operation.label):
            test()
            assert sent[operation.label] >= EXAMPLES_PER_OPERATION


def test_no_process_has_failed_on_the_way(stack: RealStack) -> None:
    """Comes after the test above: an exception that was answered politely is still one."""
    for process in ("members", "content", "engagement", "gateway"):
        lines = stack.log(process).splitlines()
        assert [line for line in lines if '"level": "error"' in line or "Traceback" in line] == []
