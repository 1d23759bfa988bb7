"""What partners get of events: every type is judged, every id in it is known for a person's or a thing's, and the brand's own stay hidden."""

from typing import Annotated, Any, ClassVar
from uuid import UUID, uuid4

import pytest
from pydantic import BaseModel

from contracts.base import Event, example_of
from contracts.catalogue import BY_TYPE, FOR_PARTNERS
from contracts.content import (
    CommentPublished,
    PostDeleted,
    PostEdited,
    PostEvent,
    PostPublished,
    PostRestored,
    PostReviewDue,
    PostWithdrawn,
    ReactionAdded,
)
from contracts.engagement import OrderRecorded
from contracts.members import AccountMerged, ConsentChanged, GroupCreated, MembershipOwnerChanged
from contracts.partners import EndpointChanged, SourceChanged
from contracts.persons import THINGS, NamesPerson, PersonId, person_fields, unjudged

ALL = pytest.mark.parametrize("event", BY_TYPE.values(), ids=lambda event: event.type)
SEEN = pytest.mark.parametrize("event", FOR_PARTNERS.values(), ids=lambda event: event.type)

INTERNAL = {
    "content.check.judged.v1",
    "content.check.requested.v1",
    "content.comment.held.v1",
    "content.detection.made.v1",
    "content.detector.changed.v1",
    "content.export.started.v1",
    "content.hold.decided.v1",
    "content.hold.placed.v1",
    "content.media.erased.v1",
    "content.media.uploaded.v1",
    "content.moderation_policy.changed.v1",
    "content.post.written.v1",
    "content.publication_log.opened.v1",
    "content.reminder.wanted.v1",
    "engagement.export.started.v1",
    "members.account.organization_role_changed.v1",
    "members.client.changed.v1",
    "members.contact.linked.v1",
    "members.export.started.v1",
    "partners.endpoint_secrets.read.v1",
    "members.membership_note.changed.v1",
    "members.organization.created.v1",
    "members.phone.verification_changed.v1",
    "members.sanction.ended.v1",
    "members.sanction.imposed.v1",
    "members.session.revoked.v1",
}


def example(event: type[Event], **given: Any) -> Event:
    return event.read({**example_of(event), **given})


@ALL
def test_every_id_of_every_event_is_judged(event: type[Event]) -> None:
    assert unjudged(event) == [], (
        f"{event.__name__} has ids of which nobody has said whether they name a person: type each as PersonId when it is an account's, "
        "also in lists, or add its name to THINGS in contracts/persons.py when it never is; models nested in an event name nobody"
    )


def test_the_list_of_things_is_used_whole() -> None:
    assert {name for event in BY_TYPE.values() for name in event.model_fields} >= THINGS


def test_no_internal_event_is_given_to_partners() -> None:
    assert {event.type for event in BY_TYPE.values() if not event.partners} == INTERNAL
    assert all(example(BY_TYPE[name]).for_partners() is None for name in INTERNAL)


@SEEN
def test_what_is_not_withheld_is_given_as_it_is(event: type[Event]) -> None:
    data = example(event).for_partners()
    kept_back = event.withheld | (event.sometimes_withheld - set(data or {}))
    assert data == {name: value for name, value in example_of(event).items() if name not in kept_back}


@SEEN
def test_what_may_be_withheld_are_fields(event: type[Event]) -> None:
    assert event.withheld | event.sometimes_withheld <= set(event.model_fields)
    assert example(event).hidden() <= event.withheld | event.sometimes_withheld


@SEEN
def test_every_account_that_a_partner_reads_is_among_the_persons(event: type[Event]) -> None:
    one = example(event)
    data = one.for_partners() or {}
    read = {account for name in person_fields(event) for account in _listed(data.get(name))}
    assert read == {str(account) for account in Event.persons(one)}
    assert read == {str(account) for account in one.persons()} or event is ConsentChanged


@SEEN
def test_an_event_that_may_leave_its_person_open_is_personal(event: type[Event]) -> None:
    data = {name: None if _optional(event, name) else value for name, value in example_of(event).items()}
    nobody = event.read(data)
    concerned = {name for name in person_fields(event) if name not in nobody.hidden()}
    if concerned and not nobody.persons() and any(_optional(event, name) for name in concerned):
        assert event.personal, f"{event.__name__} may name no account: state `personal = True`"


def _optional(event: type[Event], name: str) -> bool:
    return any(part is type(None) for part in getattr(event.model_fields[name].annotation, "__args__", ()))


def _listed(value: Any) -> list[str]:
    return value if isinstance(value, list) else [] if value is None else [value]


POSTS = [PostPublished, PostEdited, PostWithdrawn, PostRestored, PostReviewDue, PostDeleted]


@pytest.mark.parametrize("event", POSTS, ids=lambda event: event.type)
def test_who_speaks_as_the_brand_is_not_told(event: type[PostEvent]) -> None:
    author, persona = uuid4(), uuid4()
    spoken = example(event, author_id=str(author), persona_id=str(persona))
    told = spoken.for_partners()
    assert told is not None
    assert "author_id" not in told
    assert told["persona_id"] == str(persona)
    assert str(author) not in str(told)
    assert spoken.persons() == ()


@pytest.mark.parametrize("event", POSTS, ids=lambda event: event.type)
def test_a_member_who_speaks_is_told(event: type[PostEvent]) -> None:
    author = uuid4()
    spoken = example(event, author_id=str(author), persona_id=None)
    assert (spoken.for_partners() or {})["author_id"] == str(author)
    assert spoken.persons() == (author,)


@pytest.mark.parametrize("event", POSTS, ids=lambda event: event.type)
def test_an_older_event_that_does_not_say_who_speaks_keeps_its_author_back(event: type[PostEvent]) -> None:
    data = {name: value for name, value in example_of(event).items() if name != "persona_id"}
    assert "author_id" not in (event.read(data).for_partners() or {"author_id": None})


def test_authors_of_what_is_answered_are_not_told() -> None:
    author, other = uuid4(), uuid4()
    comment = example(CommentPublished, author_id=str(author), post_author_id=str(other))
    reaction = example(ReactionAdded, account_id=str(author), subject_author_id=str(other))
    for event in (comment, reaction):
        assert str(other) not in str(event.for_partners())
        assert event.persons() == (author,)


def test_persons_are_named_once_and_in_order() -> None:
    first, second = uuid4(), uuid4()
    assert example(AccountMerged, account_id=str(first), merged_account_id=str(second)).persons() == (first, second)
    assert example(GroupCreated, hosts=[str(second), str(first), str(second)]).persons() == (second, first)
    owner = example(MembershipOwnerChanged, account_id=str(first), owner_id=str(first))
    assert owner.persons() == (first,)
    assert example(OrderRecorded, account_id=None).persons() == ()


def test_what_is_between_one_partner_and_the_brand_is_confined_to_it() -> None:
    client = uuid4()
    assert example(EndpointChanged, client_id=str(client)).confined_to() == client
    assert example(SourceChanged, client_id=str(client)).confined_to() == client
    assert example(OrderRecorded).confined_to() is None


def test_a_partner_learns_what_was_decided_about_it_whatever_was_decided() -> None:
    client, account = uuid4(), uuid4()
    own = example(ConsentChanged, account_id=str(account), client_id=str(client), granted=False)
    assert (own.confined_to(), own.persons()) == (client, ())
    letters = example(ConsentChanged, account_id=str(account), client_id=None, purpose="email", granted=False)
    assert (letters.confined_to(), letters.persons()) == (None, (account,))


class Inner(BaseModel):
    post_id: UUID
    account_id: PersonId


class Forgetful(Event):
    type: ClassVar[str] = "test.forgetful.made.v1"
    aggregate: ClassVar[str] = "forgetful"

    post_id: UUID
    somebody_id: UUID | None
    somebodies: list[UUID]
    told: PersonId
    listed: list[Annotated[UUID, NamesPerson()]] | None
    community_id: PersonId
    inner: Inner
    inners: dict[str, list[Inner]]
    words: str


def test_a_forgotten_judgement_is_found_wherever_it_is() -> None:
    assert unjudged(Forgetful) == [
        "somebody_id",
        "somebodies",
        "community_id",
        "inner.account_id",
        "inners.account_id",
    ]
    assert person_fields(Forgetful) == {"told", "listed", "community_id"}
