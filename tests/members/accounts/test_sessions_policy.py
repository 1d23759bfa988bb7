"""What refresh tokens are worth, as a machine: honest clients, lost answers and thieves in any order."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from members.accounts.sessions import policy
from members.accounts.sessions.policy import GRACE, LIFETIME, Family, Verdict

START = datetime(2026, 3, 2, tzinfo=UTC)


class Refreshing(RuleBasedStateMachine):
    """One session, driven as commands.refresh does; `given_out` holds every token that anybody ever got."""

    def __init__(self) -> None:
        super().__init__()
        self.now = START
        self.family = Family(0, START, START + LIFETIME, revoked=False)
        self.given_out = [0]

    def present(self, number: int | None) -> Verdict:
        verdict = policy.judge(self.family, number, self.now)
        counter, rotated_at, expires_at = self.family.counter, self.family.rotated_at, self.family.expires_at
        if verdict is Verdict.ROTATE:
            counter, rotated_at, expires_at = counter + 1, self.now, self.now + LIFETIME
        revoked = self.family.revoked or verdict is Verdict.REVOKE
        self.family = Family(counter, rotated_at, expires_at, revoked)
        if verdict in {Verdict.ROTATE, Verdict.REPEAT}:
            self.given_out.append(counter)
        return verdict

    @rule(seconds=st.floats(min_value=0, max_value=40 * 24 * 3600))
    def time_passes(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)

    @rule(seconds=st.floats(min_value=0, max_value=12))
    def moments_pass(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)

    @precondition(lambda self: not self.family.revoked and self.now < self.family.expires_at)
    @rule()
    def the_newest_is_always_good(self) -> None:
        assert self.present(self.family.counter) is Verdict.ROTATE

    @precondition(
        lambda self: (
            not self.family.revoked
            and self.family.counter > 0
            and self.now < self.family.expires_at
            and self.now - self.family.rotated_at <= GRACE
        )
    )
    @rule()
    def a_lost_answer_is_given_again(self) -> None:
        before = self.family
        assert self.present(before.counter - 1) is Verdict.REPEAT
        assert self.family == before

    @rule(data=st.data())
    def any_token_is_tried(self, data: st.DataObject) -> None:
        number = data.draw(st.sampled_from(self.given_out))
        before = self.family
        over = before.revoked or self.now >= before.expires_at
        verdict = self.present(number)
        if over:
            assert verdict is Verdict.REFUSE
        elif number < before.counter - 1:
            assert verdict is Verdict.REVOKE

    @rule(number=st.one_of(st.none(), st.integers(min_value=10**6)))
    def a_guess_changes_nothing(self, number: int | None) -> None:
        before = self.family
        assert self.present(number) is Verdict.REFUSE
        assert self.family == before

    @invariant()
    def nobody_holds_a_token_of_the_future(self) -> None:
        assert max(self.given_out) <= self.family.counter


TestRefreshing = Refreshing.TestCase


@given(st.integers(min_value=2, max_value=1000), st.floats(min_value=10.001, max_value=10**6))
def test_after_the_grace_an_old_token_ends_the_family(counter: int, seconds: float) -> None:
    family = Family(counter, START, START + LIFETIME, revoked=False)
    assert policy.judge(family, counter - 1, START + timedelta(seconds=seconds)) is Verdict.REVOKE
    assert policy.judge(family, counter - 2, START) is Verdict.REVOKE


def test_a_session_slides_for_thirty_days_and_no_longer() -> None:
    family = Family(3, START, START + LIFETIME, revoked=False)
    assert policy.judge(family, 3, START + timedelta(days=30) - timedelta(seconds=1)) is Verdict.ROTATE
    assert policy.judge(family, 3, START + timedelta(days=30)) is Verdict.REFUSE
