"""How an application is judged, and what may become of it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from members.reasons import Reason
from members.screening.forms.policy import Answers, Questions, assess
from members.screening.personas.policy import Candidate, match
from members.screening.policies.policy import Mode, Terms

UNDO_WITHIN = timedelta(minutes=10)
"""A decision can be taken back this long, if the member has not acted on it."""
OVERDUE_KIND = "application.overdue"
"""Due work: tell that nobody decided in time."""


class State(StrEnum):
    """Where an application stands. `submitted` is told in the event; the judgement that follows is of the same moment."""

    SUBMITTED = "submitted"
    IN_REVIEW = "in_review"
    WAITING = "waiting"
    NEEDS_INFORMATION = "needs_information"
    APPROVED = "approved"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"


OPEN = frozenset({State.SUBMITTED, State.IN_REVIEW, State.WAITING, State.NEEDS_INFORMATION})

STEPS: dict[str, frozenset[State]] = {
    "approve": frozenset({State.IN_REVIEW, State.NEEDS_INFORMATION, State.WAITING}),
    "reject": frozenset({State.IN_REVIEW, State.NEEDS_INFORMATION, State.WAITING}),
    "ask": frozenset({State.IN_REVIEW}),
    "inform": frozenset({State.NEEDS_INFORMATION}),
    "withdraw": OPEN,
    "undo": frozenset({State.APPROVED, State.REJECTED, State.WAITING}),
}
"""Step → the states from which it is taken."""

REFUSALS = {
    State.SUBMITTED: "The application is being judged.",
    State.IN_REVIEW: "The application waits for a reviewer.",
    State.WAITING: "The application waits for a place.",
    State.NEEDS_INFORMATION: "The application waits for the applicant's answer.",
    State.APPROVED: "The application was approved.",
    State.REJECTED: "The application was declined.",
    State.WITHDRAWN: "The application was taken back.",
}

WORDS = {
    "screening-open": {"en": "This community lets everybody in.", "zh": "本社群对所有人开放。"},
    "screening-score-reached": {
        "en": "Your answers reach {score} points; {needed} are needed.",
        "zh": "你的回答得 {score} 分，达到了 {needed} 分的要求。",
    },
    "screening-score-below": {
        "en": "Your answers reach {score} points; less than {needed} is declined.",
        "zh": "你的回答得 {score} 分，低于 {needed} 分不予通过。",
    },
    "screening-knocked-out": {
        "en": "One of your answers does not fit this community.",
        "zh": "你的某个回答不符合本社群的要求。",
    },
    "screening-review": {"en": "People read your answers and decide.", "zh": "你的回答由工作人员审核。"},
    "screening-approved": {"en": "A reviewer let you in.", "zh": "审核通过。"},
    "screening-rejected": {"en": "A reviewer declined your application.", "zh": "审核未通过。"},
    "screening-persona-full": {
        "en": "You fit, and all places are taken: you move up by yourself when one frees.",
        "zh": "你符合要求，但名额已满；有名额时会自动递补。",
    },
    "screening-place-freed": {"en": "A place has freed: you moved up.", "zh": "有名额空出，你已递补入群。"},
    "screening-persona-retired": {
        "en": "What you waited for is offered no more; people decide.",
        "zh": "你等待的名额已取消，改由工作人员审核。",
    },
}
"""What applicants read."""


@dataclass(frozen=True)
class Judgement:
    """What becomes of an application, on what it scored, as whom, and why. `words` are the operator's own, language → text."""

    outcome: State
    score: int
    persona_id: UUID | None
    reason: Reason
    words: Mapping[str, str] = field(default_factory=dict)


def judge(
    questions: Questions, answers: Answers, terms: Terms, candidates: Sequence[Candidate], *, room: bool
) -> Judgement:
    """Judge answers that fit the form; `room` says whether the matched persona has a place. The same inputs always give the same."""
    assessment = assess(questions, answers)
    persona = match(candidates, questions, answers, assessment.score)
    outcome, reason, words = _verdict(terms, assessment.score, [one.words for one in assessment.knock_outs])
    if outcome is State.IN_REVIEW:
        reason = Reason("screening-review", {"knock_outs": [one.question for one in assessment.knock_outs]})
    if outcome is State.APPROVED and persona is not None and not room:
        outcome, reason, words = State.WAITING, Reason("screening-persona-full"), {}
    return Judgement(outcome, assessment.score, persona, reason, words)


def _verdict(
    terms: Terms, score: int, knock_outs: Sequence[Mapping[str, str]]
) -> tuple[State, Reason, Mapping[str, str]]:
    if terms.mode is Mode.OPEN:
        return State.APPROVED, Reason("screening-open"), {}
    if terms.mode is Mode.AUTOMATIC:
        if knock_outs:
            return State.REJECTED, Reason("screening-knocked-out"), knock_outs[0]
        if terms.reject_below is not None and score < terms.reject_below:
            return State.REJECTED, Reason("screening-score-below", {"score": score, "needed": terms.reject_below}), {}
        if terms.approve_at is not None and score >= terms.approve_at:
            return State.APPROVED, Reason("screening-score-reached", {"score": score, "needed": terms.approve_at}), {}
    return State.IN_REVIEW, Reason("screening-review"), {}


def may_undo(decided_at: datetime, now: datetime) -> bool:
    """Whether a decision is recent enough to take back."""
    return now - decided_at <= UNDO_WITHIN


def allowed(state: State, *, own: bool, reviews: bool, recent: bool, living: bool = True) -> list[str]:
    """Return what a caller may do with an application; in a community that does not live one can only withdraw."""
    can = []
    if reviews and living:
        can += [step for step in ("approve", "reject", "ask") if state in STEPS[step]]
        if recent and state in STEPS["undo"]:
            can.append("undo")
    if own:
        can += [step for step in ("inform", "withdraw") if state in STEPS[step] and (living or step == "withdraw")]
    return can


def clean_contact(contact: str) -> str:
    """Return one spelling of an address or a number, so that two of one contact hash alike."""
    contact = contact.strip().casefold()
    if "@" in contact:
        return contact
    digits = re.sub(r"[\s().-]", "", contact)
    return re.sub(r"^(\+86|0086)(?=1\d{10}$)", "", digits)
