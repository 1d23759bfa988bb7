"""Who may say and change what."""

from hypothesis import given
from hypothesis import strategies as st

from content.posts.policy import Caller, archive_refusal, can, may_change, speaking_refusal
from contracts.members import CommunityState

callers = st.builds(Caller, trusted=st.booleans(), moderator=st.booleans())
states = st.sampled_from(CommunityState)


@given(states, callers, st.booleans())
def test_can_says_what_the_commands_decide(state: CommunityState, caller: Caller, own: bool) -> None:  # noqa: FBT001
    allowed = can(state, caller, own=own, answer="comment")
    assert ("comment" in allowed) == ("react" in allowed) == (speaking_refusal(state, caller) is None)
    assert ("delete" in allowed) == may_change(caller, own=own)
    assert ("edit" in allowed) == (may_change(caller, own=own) and archive_refusal(state) is None)
    assert len(allowed) == len(set(allowed))


@given(callers)
def test_states(caller: Caller) -> None:
    assert speaking_refusal(CommunityState.OPEN, caller) is None
    assert (speaking_refusal(CommunityState.DRAFT, caller) is None) == caller.trusted
    for state in (CommunityState.PAUSED, CommunityState.ARCHIVED):
        refusal = speaking_refusal(state, caller)
        assert refusal is not None
        assert refusal.code == f"community-{state}"


@given(states, st.booleans())
def test_others_texts_are_the_moderators(state: CommunityState, trusted: bool) -> None:  # noqa: FBT001
    plain = Caller(trusted=trusted, moderator=False)
    assert not {"edit", "delete"} & set(can(state, plain, own=False, answer="reply"))
    assert "delete" in can(state, Caller(trusted=True, moderator=True), own=False, answer="reply")
