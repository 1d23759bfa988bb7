"""Which persona an applicant is: rules over answers and score."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self
from uuid import UUID

from pydantic import Field, model_validator

from chassis.schemas import Input
from members.screening.forms.policy import (
    AgeBandQuestion,
    Answers,
    ConsentQuestion,
    Flaw,
    Key,
    MultipleQuestion,
    Question,
    Questions,
    ScaleQuestion,
    SingleQuestion,
    chosen,
)

FILL_KIND = "persona.fill"
"""Due work: let those who wait for this persona move up as far as there is room."""
MOST_PERSONAS = 50


class Condition(Input):
    """One thing that has to hold: of the answer to a question, or of the score when no question is named."""

    question: Key | None = Field(default=None, description="left out: the score", examples=["level"])
    any_of: list[Key] | None = Field(
        default=None,
        min_length=1,
        max_length=50,
        description="one of these was chosen: keys of options or bands; yes or no of a consent",
    )
    at_least: int | None = Field(default=None, ge=-(2**31), lt=2**31, description="of a scale or the score")
    at_most: int | None = Field(default=None, ge=-(2**31), lt=2**31)

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        bounds = self.at_least is not None or self.at_most is not None
        if bounds == (self.any_of is not None):
            raise ValueError("a condition has any_of, or at_least and at_most")
        if self.question is None and not bounds:
            raise ValueError("the score has at_least and at_most")
        if self.at_least is not None and self.at_most is not None and self.at_least > self.at_most:
            raise ValueError("at_least is above at_most: nothing fits")
        return self


class Rule(Input):
    """Holds when all of `all` hold and, unless it is empty, one of `any`."""

    all: list[Condition] = Field(default=[], max_length=20)
    any: list[Condition] = Field(default=[], max_length=20)


@dataclass(frozen=True)
class Candidate:
    """A persona, as far as matching needs it."""

    id: UUID
    version: int
    position: int
    rule: Rule


def rule_flaws(rule: Rule, questions: Questions, at: str) -> list[Flaw]:
    """Return what in a rule can never hold with this form."""
    by_key = {question.key: question for question in questions}
    return [
        flaw
        for group, conditions in (("all", rule.all), ("any", rule.any))
        for index, condition in enumerate(conditions)
        if condition.question is not None
        for flaw in _condition_flaws(condition, by_key.get(condition.question), f"{at}/{group}/{index}")
    ]


def _keys(question: Question) -> list[str]:
    match question:
        case SingleQuestion() | MultipleQuestion():
            return [option.key for option in question.options]
        case AgeBandQuestion():
            return [band.key for band in question.bands]
        case ConsentQuestion():
            return ["yes", "no"]
    return []


def _condition_flaws(condition: Condition, question: Question | None, at: str) -> Iterator[Flaw]:
    if question is None:
        yield Flaw(f"{at}/question", "question-unknown", "The form in force does not ask this.")
        return
    if condition.any_of is None:
        if not isinstance(question, ScaleQuestion):
            yield Flaw(at, "no-number", "Only a scale and the score have bounds.")
        return
    keys = _keys(question)
    for index, key in enumerate(condition.any_of):
        if key not in keys:
            yield Flaw(f"{at}/any_of/{index}", "option-unknown", "The question has no such option.")


def holds(rule: Rule, by_key: Mapping[str, Question], answers: Answers, score: int) -> bool:
    """Whether a rule holds for answers that fit the form; what is no longer asked does not hold."""

    def one(condition: Condition) -> bool:
        if condition.question is None:
            return _within(condition, score)
        question, value = by_key.get(condition.question), answers.get(condition.question)
        if question is None or value is None:
            return False
        if condition.any_of is not None:
            return not set(condition.any_of).isdisjoint(chosen(question, value))
        return isinstance(question, ScaleQuestion) and _within(condition, value)

    return all(map(one, rule.all)) and (not rule.any or any(map(one, rule.any)))


def _within(condition: Condition, value: Any) -> bool:  # noqa: ANN401  a number, checked here
    if not isinstance(value, int):
        return False
    return (condition.at_least is None or value >= condition.at_least) and (
        condition.at_most is None or value <= condition.at_most
    )


def match(candidates: Sequence[Candidate], questions: Questions, answers: Answers, score: int) -> UUID | None:
    """Return the first persona whose rule holds, in the order of their positions, None for nobody's."""
    by_key = {question.key: question for question in questions}
    for candidate in sorted(candidates, key=lambda one: (one.position, one.id)):
        if holds(candidate.rule, by_key, answers, score):
            return candidate.id
    return None


def room(quota: int | None, taken: int) -> int | None:
    """Return how many more a persona takes; None for any number."""
    return None if quota is None else max(0, quota - taken)
