"""E-mail addresses, names, opaque tokens and what one may do."""

import unicodedata
from uuid import UUID, uuid4

from hypothesis import given
from hypothesis import strategies as st

from chassis.ids import new_id
from chassis.tokens import ADMIN_SCOPE, OWNER_SCOPE, Principal
from members.accounts import policy
from members.accounts.policy import OpaqueToken


@given(st.text())
def test_normalising_an_address_twice_changes_nothing(address: str) -> None:
    once = policy.normalise_email(address)
    assert policy.normalise_email(once) == once
    assert unicodedata.is_normalized("NFC", once)
    assert once == once.strip()


@given(st.emails(), st.sampled_from(["", " ", "\t"]))
def test_case_and_space_do_not_matter_in_an_address(address: str, space: str) -> None:
    assert policy.normalise_email(space + address.upper() + space) == policy.normalise_email(address.lower())


def test_composed_and_decomposed_addresses_are_one() -> None:
    assert policy.normalise_email("re\u0301mi@exa\u0301mple.com") == policy.normalise_email("RÉMI@EXÁMPLE.com")


@given(st.text(max_size=500))
def test_a_clean_name_is_one_short_line(name: str) -> None:
    cleaned = policy.clean_name(name)
    assert policy.clean_name(cleaned) == cleaned
    assert len(cleaned) <= policy.LONGEST_NAME
    assert cleaned == " ".join(cleaned.split())


@given(st.uuids(), st.uuids(), st.from_regex(r"[A-Za-z0-9_-]{20,100}", fullmatch=True))
def test_an_opaque_token_can_be_read_again(organization: UUID, identifier: UUID, secret: str) -> None:
    token = OpaqueToken("hrt", organization, identifier, secret)
    assert policy.read_token("hrt", token.text) == token
    assert policy.read_token("hi", token.text) is None
    assert token.proves(policy.digest(secret))
    assert not token.proves(policy.digest(secret + "x"))
    assert not token.proves(None)


@given(st.text())
def test_what_is_no_token_is_refused_quietly(text: str) -> None:
    assert policy.read_token("hrt", text) is None


def principal(account: UUID, *scopes: str) -> Principal:
    return Principal(uuid4(), account, uuid4(), frozenset(scopes), None)


def test_what_one_may_do_with_an_account() -> None:
    me, other = new_id(), new_id()
    plain = {"role": None, "bot": False, "credentialed": True, "merged": False}
    assert policy.can(principal(me), me, **plain) == ["edit"]
    assert policy.can(principal(me), other, **plain) == []
    assert policy.can(principal(me, ADMIN_SCOPE), other, **plain) == ["merge"]
    assert policy.can(principal(me, OWNER_SCOPE), other, **plain) == ["set_organization_role", "merge"]
    assert policy.can(principal(me, ADMIN_SCOPE), other, **{**plain, "credentialed": False}) == ["invite", "merge"]
    assert policy.can(principal(me, OWNER_SCOPE), other, **{**plain, "merged": True}) == []
    assert policy.sees_whole(principal(me), me)
    assert policy.sees_whole(principal(me, ADMIN_SCOPE), other)
    assert not policy.sees_whole(principal(me), other)


def test_tokens_say_the_organizations_role_and_nothing_else() -> None:
    assert policy.scopes_of("owner") == (OWNER_SCOPE,)
    assert policy.scopes_of("admin") == (ADMIN_SCOPE,)
    assert policy.scopes_of(None) == ()


def test_a_name_shows_something() -> None:
    assert all(policy.is_visible(name) for name in ("Lin", "林悦", "a\u0301", "👍", "ลิน", "\u200dx"))
    assert not any(
        policy.is_visible(name) for name in ("", " ", "\u200b\u2060", "\u202e", "\u3164", "\u2800", "\u0301")
    )
