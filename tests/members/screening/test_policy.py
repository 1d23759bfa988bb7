"""The decisions of screening, over plain values."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.members.screening.scene import ANSWERS, FORM

from members.screening.applications import policy as applications
from members.screening.applications.policy import State
from members.screening.forms import policy as forms
from members.screening.forms.policy import QUESTIONS
from members.screening.links import policy as links
from members.screening.personas.policy import Candidate, Rule, holds, match, room, rule_flaws
from members.screening.policies import policy as policies
from members.screening.policies.policy import Mode, TagRule, Terms

LABEL = {"en": "x"}
KEYS = st.sampled_from(["a", "b", "c", "d"])
POINTS = st.integers(-20, 20)


@st.composite
def questions(draw: st.DrawFn) -> list[Any]:
    """Forms of every kind of question."""
    made = []
    for number, kind in enumerate(
        draw(st.lists(st.sampled_from(["single", "multiple", "scale", "consent", "text", "age_band"]), max_size=6))
    ):
        question: dict[str, Any] = {"key": f"q{number}", "kind": kind, "label": LABEL, "required": draw(st.booleans())}
        if kind in {"single", "multiple"}:
            question["options"] = [
                {
                    "key": key,
                    "label": LABEL,
                    "points": draw(POINTS),
                    "knock_out": draw(st.sampled_from([{}, {"en": "no"}])),
                }
                for key in draw(st.lists(KEYS, min_size=2, max_size=4, unique=True))
            ]
        if kind == "scale":
            question |= {"lowest": 1, "highest": draw(st.integers(2, 9)), "points_per_step": draw(POINTS)}
            if draw(st.booleans()):
                question |= {"knock_out_below": 2, "knock_out": {"en": "low"}}
        if kind == "age_band":
            question["bands"] = [
                {"key": "child", "from_age": 0, "to_age": 13, "points": draw(POINTS)},
                {"key": "older", "from_age": 14, "to_age": None},
            ]
        made.append(question)
    return QUESTIONS.validate_python(made)


def answer(draw: st.DrawFn, question: Any) -> Any:
    match question.kind:
        case "single":
            return draw(st.sampled_from([option.key for option in question.options]))
        case "multiple":
            return draw(st.lists(st.sampled_from([option.key for option in question.options]), min_size=1, unique=True))
        case "scale":
            return draw(st.integers(question.lowest, question.highest))
        case "consent":
            return True
        case "text":
            return draw(st.text("ab 好", min_size=1, max_size=9).filter(str.strip))
    band = draw(st.sampled_from(["child", "older"]))
    return {"band": band, "guardian_consent": band == "child" or draw(st.booleans())}


@st.composite
def answered(draw: st.DrawFn) -> tuple[list[Any], dict[str, Any]]:
    """A form, and answers that fit it."""
    form = draw(questions())
    return form, {one.key: answer(draw, one) for one in form if one.required or draw(st.booleans())}


@st.composite
def rules(draw: st.DrawFn) -> Rule:
    """Rules over questions that may be asked or not."""
    condition = st.one_of(
        st.builds(lambda low: {"at_least": low}, st.integers(-20, 20)),
        st.builds(
            lambda key, of: {"question": key, "any_of": of},
            st.sampled_from(["q0", "q1", "q9"]),
            st.lists(KEYS, min_size=1),
        ),
        st.builds(lambda key, low: {"question": key, "at_most": low}, st.sampled_from(["q0", "q1"]), st.integers(0, 9)),
    )
    return Rule.model_validate(
        {"all": draw(st.lists(condition, max_size=2)), "any": draw(st.lists(condition, max_size=2))}
    )


CANDIDATES = st.lists(
    st.builds(Candidate, st.uuids(), st.integers(1, 9), st.integers(0, 3), rules()),
    max_size=4,
    unique_by=lambda one: one.id,
)
TERMS = st.one_of(
    st.sampled_from([Terms(Mode.OPEN, None, None), Terms(Mode.REVIEW, None, None)]),
    st.builds(lambda low, more: Terms(Mode.AUTOMATIC, low + more, low), st.integers(-20, 20), st.integers(0, 20)),
)


@given(case=answered(), terms=TERMS, candidates=CANDIDATES, room_=st.booleans())
def test_judging_what_was_kept_again_gives_the_same(
    *, case: tuple[list[Any], dict[str, Any]], terms: Terms, candidates: list[Candidate], room_: bool
) -> None:
    form, answers = case
    first = applications.judge(form, answers, terms, candidates, room=room_)
    # What is kept goes through JSON, and candidates come back in any order.
    kept_form = QUESTIONS.validate_python(json.loads(json.dumps([one.model_dump(mode="json") for one in form])))
    kept = [
        Candidate(one.id, one.version, one.position, Rule.model_validate_json(one.rule.model_dump_json()))
        for one in reversed(candidates)
    ]
    again = applications.judge(kept_form, json.loads(json.dumps(answers)), terms, kept, room=room_)
    assert again == first


@given(case=answered(), terms=TERMS, candidates=CANDIDATES, room_=st.booleans())
def test_who_decides_and_why(
    *, case: tuple[list[Any], dict[str, Any]], terms: Terms, candidates: list[Candidate], room_: bool
) -> None:
    form, answers = case
    judgement = applications.judge(form, answers, terms, candidates, room=room_)
    knocked_out = bool(forms.assess(form, answers).knock_outs)
    if terms.mode is Mode.REVIEW:
        assert judgement.outcome is State.IN_REVIEW
    if terms.mode is Mode.OPEN:
        assert judgement.outcome in {State.APPROVED, State.WAITING}
    if terms.mode is Mode.AUTOMATIC:
        assert terms.approve_at is not None
        assert terms.reject_below is not None
        assert (judgement.outcome is State.REJECTED) == (knocked_out or judgement.score < terms.reject_below)
        if judgement.outcome in {State.APPROVED, State.WAITING}:
            assert judgement.score >= terms.approve_at
    assert (judgement.outcome is State.WAITING) <= (judgement.persona_id is not None and not room_)
    assert judgement.reason.code in applications.WORDS


@given(answered())
def test_answers_of_the_forms_own_options_fit(case: tuple[list[Any], dict[str, Any]]) -> None:
    form, answers = case
    assert forms.flaws(form) == []
    assert forms.answer_flaws(form, answers) == []
    for question in form:
        missing = {key: value for key, value in answers.items() if key != question.key}
        flaws = forms.answer_flaws(form, missing)
        assert [flaw.code for flaw in flaws] == (["answer-missing"] if question.required else [])


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@given(questions(), st.dictionaries(st.sampled_from(["q0", "q1", "q2", "band", "a/b~"]), JSON), rules())
def test_any_json_is_judged_without_an_error(form: list[Any], answers: dict[str, Any], rule: Rule) -> None:
    flaws = forms.answer_flaws(form, answers)
    assert all(flaw.pointer.startswith("/answers/") for flaw in flaws)
    if not flaws:
        score = forms.assess(form, answers).score
        holds(rule, {one.key: one for one in form}, answers, score)


@given(CANDIDATES, answered())
def test_the_first_persona_by_position_that_fits_is_the_applicants(
    candidates: list[Candidate], case: tuple[list[Any], dict[str, Any]]
) -> None:
    form, answers = case
    score = forms.assess(form, answers).score
    fitting = [one for one in candidates if holds(one.rule, {q.key: q for q in form}, answers, score)]
    expected = min(fitting, key=lambda one: (one.position, one.id)).id if fitting else None
    assert match(candidates, form, answers, score) == expected


def test_a_rule_without_conditions_holds_for_everybody_and_one_on_nothing_asked_for_nobody() -> None:
    assert holds(Rule(), {}, {}, 0)
    rule = Rule.model_validate({"all": [{"question": "gone", "any_of": ["a"]}]})
    assert not holds(rule, {}, {"gone": "a"}, 0)
    assert [flaw.pointer for flaw in rule_flaws(rule, [], "/rule")] == ["/rule/all/0/question"]


def test_the_score_adds_up() -> None:
    form = QUESTIONS.validate_python(FORM["questions"])
    assert forms.assess(form, {**ANSWERS, "interests": ["films", "news"]}).score == 3 + 4 + 2
    knocked = forms.assess(form, {**ANSWERS, "level": "native"})
    assert [one.question for one in knocked.knock_outs] == ["level"]


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"level": "expert"}, "/answers/level"),
        ({"level": ["beginner"]}, "/answers/level"),
        ({"hours": 11}, "/answers/hours"),
        ({"hours": True}, "/answers/hours"),
        ({"hours": 2.5}, "/answers/hours"),
        ({"interests": ["films", "films"]}, "/answers/interests/1"),
        ({"interests": ["films", "books", "news"]}, "/answers/interests"),
        ({"interests": "films"}, "/answers/interests"),
        ({"interests": [{"x": 1}]}, "/answers/interests/0"),
        ({"why": "x" * 21}, "/answers/why"),
        ({"why": 3}, "/answers/why"),
        ({"age": "older"}, "/answers/age"),
        ({"age": {"band": "ancient"}}, "/answers/age/band"),
        ({"age": {"band": "child"}}, "/answers/age/guardian_consent"),
        ({"age": {"band": "child", "guardian_consent": "yes"}}, "/answers/age/guardian_consent"),
        ({"age": {"band": "older", "name": "x"}}, "/answers/age"),
        ({"rules": False}, "/answers/rules"),
        ({"rules": 1}, "/answers/rules"),
        ({"level": "  "}, "/answers/level"),
        ({"a/b": 1}, "/answers/a~1b"),
    ],
)
def test_answers_that_do_not_fit_say_where(change: dict[str, Any], pointer: str) -> None:
    form = QUESTIONS.validate_python(FORM["questions"])
    assert [flaw.pointer for flaw in forms.answer_flaws(form, {**ANSWERS, **change})] == [pointer]


def test_a_childs_guardian_consents() -> None:
    form = QUESTIONS.validate_python(FORM["questions"])
    child = {"age": {"band": "child", "guardian_consent": True}}
    assert forms.answer_flaws(form, {**ANSWERS, **child}) == []


SCALE = {"key": "s", "kind": "scale", "label": LABEL}
BANDS = {"key": "a", "kind": "age_band", "label": LABEL}


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ([SCALE, SCALE], "key-twice"),
        ([{**SCALE, "lowest": 5, "highest": 5}], "scale-empty"),
        ([{**SCALE, "knock_out_below": 9, "knock_out": {"en": "x"}}], "outside-scale"),
        ([{**SCALE, "knock_out_below": 2}], "knock-out-unexplained"),
        ([{**BANDS, "bands": [{"key": "x", "from_age": 10, "to_age": 17}]}], "band-across-14"),
        ([{**BANDS, "bands": [{"key": "x", "from_age": 20, "to_age": 19}]}], "band-empty"),
        (
            [{**BANDS, "bands": [{"key": "x", "from_age": 14, "to_age": 20}, {"key": "y", "from_age": 30}]}],
            "band-gap",
        ),
        (
            [{"key": "o", "kind": "single", "label": LABEL, "options": [{"key": "x", "label": LABEL}] * 2}],
            "key-twice",
        ),
    ],
)
def test_forms_that_cannot_be(wrong: list[dict[str, Any]], code: str) -> None:
    assert code in [flaw.code for flaw in forms.flaws(QUESTIONS.validate_python(wrong))]


@pytest.mark.parametrize(
    ("terms", "pointer"),
    [
        (Terms(Mode.AUTOMATIC, None, None), "/approve_at"),
        (Terms(Mode.AUTOMATIC, 1, 2), "/reject_below"),
        (Terms(Mode.REVIEW, 1, None), "/approve_at"),
        (Terms(Mode.OPEN, None, 1), "/reject_below"),
    ],
)
def test_terms_that_contradict_themselves(terms: Terms, pointer: str) -> None:
    assert [flaw.pointer for flaw in policies.flaws(terms, [], [])] == [pointer]


def test_tags_follow_answers_and_score() -> None:
    form = QUESTIONS.validate_python(FORM["questions"])
    rules_ = [
        TagRule.model_validate({"when": {"all": [{"at_least": 7}]}, "tags": ["keen", "新人"]}),
        TagRule.model_validate({"when": {"any": [{"question": "level", "any_of": ["native"]}]}, "tags": ["native"]}),
    ]
    assert policies.tags(rules_, form, ANSWERS, 7) == ["keen", "新人"]
    assert policies.tags(rules_, form, ANSWERS, 6) == []


@given(st.none() | st.integers(0, 9), st.integers(0, 12))
def test_room_is_never_negative(quota: int | None, taken: int) -> None:
    left = room(quota, taken)
    assert (left is None) == (quota is None)
    assert left is None or (left >= 0 and taken + left >= (quota or 0))


@given(st.sampled_from(State), st.booleans(), st.booleans(), st.booleans())
def test_what_one_may_do_is_what_the_steps_allow(state: State, own: bool, reviews: bool, recent: bool) -> None:  # noqa: FBT001  drawn
    can = applications.allowed(state, own=own, reviews=reviews, recent=recent)
    assert all(state in applications.STEPS[name] for name in can)
    if not reviews:
        assert set(can) <= {"inform", "withdraw"}
    if state is State.WITHDRAWN:
        assert can == []


def test_one_contact_has_one_spelling() -> None:
    clean = applications.clean_contact
    assert clean(" Rain@Example.COM ") == clean("rain@example.com")
    assert clean("+86 138-0013 8000") == clean("13800138000") == clean("008613800138000")
    assert clean("+44 20 7946 0000") != clean("02079460000")


def test_when_a_door_is_open() -> None:
    now = datetime(2026, 3, 2, tzinfo=UTC)
    day = timedelta(days=1)

    def door(**change: Any) -> links.Closed | None:
        state: dict[str, Any] = {"now": now, "withdrawn_at": None, "expires_at": now + day, "most": 5, "used": 4}
        return links.closed(**{**state, **change})

    assert door() is None
    assert door(most=None, used=10**6) is None
    assert door(used=5) is links.Closed.FULL
    assert door(expires_at=now) is links.Closed.EXPIRED
    assert door(withdrawn_at=now) is links.Closed.WITHDRAWN
    assert door(community_open=False) is links.Closed.COMMUNITY


def test_ids_break_ties() -> None:
    low, high = sorted([uuid4(), uuid4()])
    candidates = [Candidate(UUID(str(one)), 1, 0, Rule()) for one in (high, low)]
    assert match(candidates, [], {}, 0) == low
