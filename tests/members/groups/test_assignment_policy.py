"""What rules decide: the same for the same facts, and nothing that one has by hand is taken."""

from dataclasses import replace
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from contracts.members import (
    GroupDimension,
)
from members.groups.assignments import policy
from members.groups.assignments.policy import Facts, Rule, Seat

words = st.frozensets(st.sampled_from(["a", "b", "c"]), max_size=2)
groups_ = st.integers(0, 3)
rules_ = st.builds(
    lambda key, group, tags, locales: Rule(
        key=key,
        group_id=UUID(int=group),
        series_id=UUID(int=group),
        dimension=[GroupDimension.DEPARTMENT, GroupDimension.INTEREST][group % 2],
        tags=tags,
        locales=locales,
    ),
    st.text("xyz", min_size=1, max_size=4),
    groups_,
    words,
    st.frozensets(st.sampled_from(["zh", "en"]), max_size=1),
)
facts_ = st.builds(
    lambda tags, locale, held: Facts(
        tags=tags,
        segments=frozenset(),
        locale=locale,
        zone="UTC",
        series=frozenset(UUID(int=one) for one in held),
        dimensions=frozenset([GroupDimension.DEPARTMENT, GroupDimension.INTEREST][one % 2] for one in held),
    ),
    words,
    st.sampled_from(["zh", "zh-CN", "en", "de"]),
    st.frozensets(groups_, max_size=2),
)


@given(st.lists(rules_, max_size=8), st.frozensets(st.sampled_from(list(GroupDimension))), facts_)
def test_decisions_are_repeatable_and_respect_what_one_has(
    rules: list[Rule], exclusive: frozenset[GroupDimension], facts: Facts
) -> None:
    decided = policy.decide(rules, exclusive, facts)
    assert policy.decide(rules, exclusive, Facts.of(facts.inputs())) == decided
    series = [match.rule.series_id for match in decided]
    assert len(set(series)) == len(series)
    assert facts.series.isdisjoint(series)
    for dimension in exclusive:
        came = [match for match in decided if match.rule.dimension == dimension]
        assert len(came) <= (dimension not in facts.dimensions)
    assert all(policy.matched(match.rule, facts) == match.matched for match in decided)
    assert not any(not (one.rule.tags or one.rule.locales) for one in decided), "who asks nothing matches nobody"
    after = Facts(
        facts.tags,
        facts.segments,
        facts.locale,
        facts.zone,
        facts.series | set(series),
        facts.dimensions | {match.rule.dimension for match in decided},
    )
    assert policy.decide(rules, exclusive, after) == [], "a second judgement moves nobody"


seats_ = st.lists(
    st.builds(
        lambda group, key: Seat(
            UUID(int=group),
            UUID(int=group),
            [GroupDimension.DEPARTMENT, GroupDimension.INTEREST][group % 2],
            key,
        ),
        groups_,
        st.none() | st.text("xyz", min_size=1, max_size=2),
    ),
    max_size=4,
    unique_by=lambda seat: seat.series_id,
)


@given(st.lists(rules_, max_size=8, unique_by=lambda rule: rule.key), st.booleans(), seats_, facts_)
def test_only_what_a_rule_gave_is_taken_back_and_only_once(
    rules: list[Rule],
    leaves: bool,  # noqa: FBT001
    held: list[Seat],
    facts: Facts,
) -> None:
    rules = [replace(rule, leaves=leaves) for rule in rules]
    facts = facts.after(held, [])
    gone = policy.leaving(rules, held, facts)
    by_key = {rule.key: rule for rule in rules}
    for seat in held:
        rule = by_key.get(seat.rule_key or "")
        lost = leaves and rule is not None and rule.series_id == seat.series_id and policy.matched(rule, facts) is None
        assert (seat in gone) == lost
    after = facts.after(held, gone)
    stay = [seat for seat in held if seat not in gone]
    assert policy.leaving(rules, stay, after) == []
    back = {match.rule.key for match in policy.decide(rules, list(GroupDimension), after)}
    assert back.isdisjoint(seat.rule_key for seat in gone), "who left by a rule does not come back by it at once"
