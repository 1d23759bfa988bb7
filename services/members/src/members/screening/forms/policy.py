"""What a form may ask, which answers fit it, and what they are worth."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import Field, StringConstraints, TypeAdapter

from chassis.schemas import Input, LongTextMap, TextMap

GUARDED_AGE = 14
"""Below it a guardian has to consent (Personal Information Protection Law of the PRC, article 31)."""
MOST_QUESTIONS = 50
MOST_OPTIONS = 50
LONGEST_TEXT = 2000

Key = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
Points = Annotated[int, Field(ge=-1000, le=1000)]


class Option(Input):
    """One answer to choose."""

    key: Key = Field(examples=["beginner"])
    label: TextMap
    points: Points = Field(default=0, description="what choosing it adds to the score")
    knock_out: LongTextMap = Field(
        default={}, description="language → why whoever chooses it cannot belong; empty for no knock-out"
    )


class _Question(Input):
    key: Key = Field(description="names the answer, in every version of the form", examples=["level"])
    label: TextMap
    help: LongTextMap = Field(default={}, description="what to bear in mind when answering")
    required: bool = True


class TextQuestion(_Question):
    """Free words; they score nothing."""

    kind: Literal["text"]
    max_length: int = Field(default=500, ge=1, le=LONGEST_TEXT)


class SingleQuestion(_Question):
    """One of several."""

    kind: Literal["single"]
    options: list[Option] = Field(min_length=2, max_length=MOST_OPTIONS)


class MultipleQuestion(_Question):
    """Some of several; their points add up."""

    kind: Literal["multiple"]
    options: list[Option] = Field(min_length=2, max_length=MOST_OPTIONS)
    most: int = Field(default=MOST_OPTIONS, ge=1, le=MOST_OPTIONS, description="how many may be chosen")


class ScaleQuestion(_Question):
    """A whole number between two ends."""

    kind: Literal["scale"]
    lowest: int = Field(default=1, ge=0, le=100)
    highest: int = Field(default=5, ge=1, le=100)
    points_per_step: Points = Field(default=0, description="added for each step above the lowest")
    knock_out_below: int | None = Field(default=None, ge=0, le=100, description="lower answers cannot belong")
    knock_out: LongTextMap = Field(default={}, description="language → why, with `knock_out_below`")


class ConsentQuestion(_Question):
    """A consent to give; where it is required, nobody applies without."""

    kind: Literal["consent"]


class AgeBand(Input):
    """Ages from one to another, both included."""

    key: Key = Field(examples=["under_14"])
    from_age: int = Field(ge=0, le=150, examples=[0])
    to_age: int | None = Field(default=None, ge=0, le=150, description="null: and older", examples=[13])
    points: Points = 0
    knock_out: LongTextMap = Field(default={}, description="language → why nobody of this age can belong")


class AgeBandQuestion(_Question):
    """How old, in bands. Below 14 a guardian has to consent, so no band reaches across."""

    kind: Literal["age_band"]
    bands: list[AgeBand] = Field(min_length=1, max_length=20)


Question = Annotated[
    TextQuestion | SingleQuestion | MultipleQuestion | ScaleQuestion | ConsentQuestion | AgeBandQuestion,
    Field(discriminator="kind"),
]
Questions = Sequence[Question]
Answers = Mapping[str, Any]

QUESTIONS: TypeAdapter[list[Question]] = TypeAdapter(list[Question])


class Flaw(NamedTuple):
    """One thing that is wrong: where (JSON pointer), a stable code, words."""

    pointer: str
    code: str
    detail: str


class KnockOut(NamedTuple):
    """An answer with which one cannot belong, and why: language → words."""

    question: str
    words: dict[str, str]


@dataclass(frozen=True)
class Assessment:
    """What answers are worth."""

    score: int
    knock_outs: tuple[KnockOut, ...]


def _twice(keys: Sequence[str], at: str) -> Iterator[Flaw]:
    for index, key in enumerate(keys):
        if key in keys[:index]:
            yield Flaw(f"{at}/{index}/key", "key-twice", f"{key!r} is taken above.")


def flaws(questions: Questions) -> list[Flaw]:
    """Return what keeps these questions from being a form."""
    found = list(_twice([question.key for question in questions], "/questions"))
    for index, question in enumerate(questions):
        at = f"/questions/{index}"
        if isinstance(question, SingleQuestion | MultipleQuestion):
            found += _twice([option.key for option in question.options], f"{at}/options")
        elif isinstance(question, ScaleQuestion):
            found += _scale_flaws(question, at)
        elif isinstance(question, AgeBandQuestion):
            found += _twice([band.key for band in question.bands], f"{at}/bands")
            found += _band_flaws(question.bands, f"{at}/bands")
    return found


def _scale_flaws(question: ScaleQuestion, at: str) -> Iterator[Flaw]:
    if question.highest <= question.lowest:
        yield Flaw(f"{at}/highest", "scale-empty", "The highest is above the lowest.")
    below = question.knock_out_below
    if below is not None and not question.lowest < below <= question.highest:
        yield Flaw(f"{at}/knock_out_below", "outside-scale", "It knocks out nobody, or everybody.")
    if (below is not None) != bool(question.knock_out):
        yield Flaw(f"{at}/knock_out", "knock-out-unexplained", "A knock-out has an edge and words that say why.")


def _band_flaws(bands: Sequence[AgeBand], at: str) -> Iterator[Flaw]:
    next_age = None
    for index, band in enumerate(bands):
        last = band.to_age
        if last is not None and last < band.from_age:
            yield Flaw(f"{at}/{index}/to_age", "band-empty", "It ends before it starts.")
        if band.from_age < GUARDED_AGE and (last is None or last >= GUARDED_AGE):
            yield Flaw(
                f"{at}/{index}/to_age",
                "band-across-14",
                f"Below {GUARDED_AGE} a guardian consents: end the band at 13.",
            )
        if index and band.from_age != next_age:
            yield Flaw(f"{at}/{index}/from_age", "band-gap", "Each band starts where the one before ends.")
        next_age = None if last is None else last + 1


def _said(value: object) -> bool:
    return value is not None and value not in ("", [])


def answer_flaws(questions: Questions, answers: Answers) -> list[Flaw]:
    """Return what is wrong with answers to this form; nothing means that they fit."""
    by_key = {question.key: question for question in questions}
    found = [
        Flaw("/answers/" + key.replace("~", "~0").replace("/", "~1"), "question-unknown", "The form does not ask this.")
        for key in answers
        if key not in by_key
    ]
    for key, question in by_key.items():
        value = answers.get(key)
        at = f"/answers/{key}"
        if not _said(value) or (isinstance(value, str) and not value.strip()):
            if question.required:
                found.append(Flaw(at, "answer-missing", "This question wants an answer."))
        else:
            found += _value_flaws(question, value, at)
    return found


def _value_flaws(question: Question, value: object, at: str) -> Iterator[Flaw]:  # noqa: C901, PLR0912  one branch per kind
    match question:
        case TextQuestion():
            if not isinstance(value, str):
                yield Flaw(at, "text-wanted", "Answer in words.")
            elif len(value) > question.max_length:
                yield Flaw(at, "text-too-long", f"At most {question.max_length} characters.")
        case SingleQuestion():
            if value not in [option.key for option in question.options]:
                yield Flaw(at, "option-unknown", "Choose one of the options by its key.")
        case MultipleQuestion():
            if not isinstance(value, list):
                yield Flaw(at, "list-wanted", "Give a list of the keys of options.")
                return
            keys = [option.key for option in question.options]
            for index, chosen in enumerate(value):
                if chosen not in keys or chosen in value[:index]:
                    yield Flaw(f"{at}/{index}", "option-unknown", "Choose each option once, by its key.")
            if len(value) > question.most:
                yield Flaw(at, "too-many-options", f"Choose at most {question.most}.")
        case ScaleQuestion():
            if type(value) is not int or not question.lowest <= value <= question.highest:
                yield Flaw(at, "outside-scale", f"Give a whole number from {question.lowest} to {question.highest}.")
        case ConsentQuestion():
            if type(value) is not bool:
                yield Flaw(at, "consent-wanted", "Answer true or false.")
            elif question.required and not value:
                yield Flaw(at, "consent-needed", "Nobody joins without this consent.")
        case AgeBandQuestion():
            yield from _age_flaws(question, value, at)


def _age_flaws(question: AgeBandQuestion, value: object, at: str) -> Iterator[Flaw]:
    if not isinstance(value, dict) or set(value) - {"band", "guardian_consent"}:
        yield Flaw(at, "age-band-wanted", 'Answer {"band": key, "guardian_consent": true or false}.')
        return
    band = next((band for band in question.bands if band.key == value.get("band")), None)
    consent = value.get("guardian_consent", False)
    if band is None:
        yield Flaw(f"{at}/band", "option-unknown", "Choose one of the bands by its key.")
    elif type(consent) is not bool:
        yield Flaw(f"{at}/guardian_consent", "consent-wanted", "Answer true or false.")
    elif band.from_age < GUARDED_AGE and not consent:
        yield Flaw(
            f"{at}/guardian_consent", "guardian-consent-needed", f"Below {GUARDED_AGE} a guardian has to consent."
        )


def chosen(question: Question, value: Any) -> list[str]:  # noqa: ANN401  any answer
    """Return the keys that an answer names: options, a band, or yes and no of a consent."""
    match question:
        case SingleQuestion():
            return [value]
        case MultipleQuestion():
            return list(value)
        case AgeBandQuestion():
            return [value["band"]]
        case ConsentQuestion():
            return ["yes" if value else "no"]
    return []


def assess(questions: Questions, answers: Answers) -> Assessment:
    """Return what answers that fit the form are worth."""
    score, knock_outs = 0, []
    for question in questions:
        value = answers.get(question.key)
        if not _said(value):
            continue
        if isinstance(question, ScaleQuestion) and isinstance(value, int):
            score += question.points_per_step * (value - question.lowest)
            if question.knock_out_below is not None and value < question.knock_out_below:
                knock_outs.append(KnockOut(question.key, dict(question.knock_out)))
            continue
        options: Sequence[Option | AgeBand] = ()
        if isinstance(question, SingleQuestion | MultipleQuestion):
            options = question.options
        elif isinstance(question, AgeBandQuestion):
            options = question.bands
        keys = chosen(question, value)
        for option in options:
            if option.key in keys:
                score += option.points
                if option.knock_out:
                    knock_outs.append(KnockOut(question.key, dict(option.knock_out)))
    return Assessment(score, tuple(knock_outs))
