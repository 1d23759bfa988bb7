"""Who may say and change what."""

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

from hypothesis import given
from hypothesis import strategies as st

from content.posts.policy import (
    FURTHEST_DATE,
    Act,
    Caller,
    PostKind,
    PostState,
    Stage,
    Verdict,
    archive_refusal,
    arrangement_fault,
    can,
    may_change,
    speaking_refusal,
    stricter,
    writing_refusal,
)
from content.posts.review.policy import PUBLISHABLE, WITHDRAWABLE, review_refusal, step_refusal
from contracts.members import CommunityState

callers = st.builds(Caller, trusted=st.booleans(), moderator=st.booleans(), editor=st.booleans())
states = st.sampled_from(CommunityState)
stages = st.sampled_from(Stage)
verdicts = st.builds(Verdict, st.sampled_from(Act))
NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)


@given(states, callers, st.booleans(), st.booleans(), stages)
def test_can_says_what_the_commands_decide(
    state: CommunityState,
    caller: Caller,
    own: bool,  # noqa: FBT001
    editorial: bool,  # noqa: FBT001
    stage: Stage,
) -> None:
    allowed = set(can(state, caller, own=own, answer="comment", editorial=editorial, stage=stage))
    speaks, writable = speaking_refusal(state, caller) is None, archive_refusal(state) is None
    changes = may_change(caller, own=own, editorial=editorial)
    assert ("comment" in allowed) == ("react" in allowed) == (speaks and stage is Stage.SHOWN)
    assert ("delete" in allowed) == changes
    assert ("edit" in allowed) == (changes and writable)
    assert ("publish" in allowed) == (changes and speaks and stage is Stage.READY)
    assert ("withdraw" in allowed) == (changes and stage not in {Stage.HIDDEN, Stage.READY})
    assert ("review" in allowed) == (caller.editor and speaks and stage is Stage.WAITING)
    assert ("pin" in allowed) == (caller.editor and writable and stage is Stage.SHOWN)
    replies = can(state, caller, own=own, answer="reply", stage=stage)
    assert set(replies) <= {"reply", "react", "edit", "delete"}
    assert len(replies) == len(set(replies))


@given(callers)
def test_states(caller: Caller) -> None:
    assert speaking_refusal(CommunityState.OPEN, caller) is None
    assert (speaking_refusal(CommunityState.DRAFT, caller) is None) == caller.trusted
    for state in (CommunityState.PAUSED, CommunityState.ARCHIVED):
        refusal = speaking_refusal(state, caller)
        assert refusal is not None
        assert refusal.code == f"community-{state}"


@given(states, st.booleans(), st.booleans())
def test_others_texts_are_the_moderators(state: CommunityState, trusted: bool, editor: bool) -> None:  # noqa: FBT001
    plain = Caller(trusted=trusted, moderator=False, editor=editor)
    assert not {"edit", "delete"} & set(can(state, plain, own=False, answer="reply"))
    assert "delete" in can(state, Caller(trusted=True, moderator=True), own=False, answer="reply")
    assert ("delete" in can(state, plain, own=False, answer="comment", editorial=True)) == editor


@given(st.sampled_from(PostKind), callers)
def test_kinds(kind: PostKind, caller: Caller) -> None:
    assert (writing_refusal(kind, caller) is None) == (kind is PostKind.POST or caller.editor)


@given(verdicts, verdicts, verdicts)
def test_the_strictest_verdict_counts(one: Verdict, other: Verdict, third: Verdict) -> None:
    order = list(Act)
    worst = stricter(stricter(one, other), third)
    assert order.index(worst.act) == max(order.index(verdict.act) for verdict in (one, other, third))
    assert worst.act == stricter(one, stricter(other, third)).act


@given(
    st.sampled_from(PostKind),
    st.dictionaries(
        st.sampled_from(["expires_at", "review_at"]),
        st.none() | st.timedeltas(timedelta(days=-5000), timedelta(days=5000)).map(lambda far: NOW + far),
    ),
    st.booleans(),
    st.none() | st.just(NOW + timedelta(days=1)),
    st.booleans(),
)
def test_arrangements(
    kind: PostKind,
    dates: dict[str, datetime | None],
    acknowledge: bool,  # noqa: FBT001
    by: datetime | None,
    benefit: bool,  # noqa: FBT001
) -> None:
    fault = arrangement_fault(kind, now=NOW, dates=dates, acknowledge=acknowledge, acknowledge_by=by, benefit=benefit)
    to_come = all(at is None or NOW < at <= NOW + FURTHEST_DATE for at in dates.values())
    announced = kind is PostKind.ANNOUNCEMENT or not (acknowledge or benefit)
    assert (fault is None) == (to_come and announced and (by is None or acknowledge))


@given(st.uuids(), st.sets(st.uuids(), min_size=1, max_size=3), st.booleans())
def test_a_second_person_is_another_one(reviewer: UUID, writers: set[UUID], editor: bool) -> None:  # noqa: FBT001
    assert (review_refusal(reviewer, writers, editor=editor) is None) == (editor and reviewer not in writers)
    assert review_refusal(next(iter(writers)), {*writers, uuid4()}, editor=True) is not None


def test_steps() -> None:
    for state in PostState:
        assert (step_refusal("published", state, PUBLISHABLE) is None) == (state in {"draft", "expired"})
        assert (step_refusal("taken back", state, WITHDRAWABLE) is None) == (state in {"in_review", "published"})
