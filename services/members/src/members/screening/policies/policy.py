"""What a screening policy says, and whether it can be meant."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from pydantic import Field

from chassis.schemas import Input
from members.memberships.tags.policy import Tag
from members.screening.forms.policy import Answers, Flaw, Questions
from members.screening.personas.policy import Rule, holds, rule_flaws


class Mode(StrEnum):
    """How a community decides."""

    OPEN = "open"
    AUTOMATIC = "automatic"
    REVIEW = "review"


class TagRule(Input):
    """Tags for whoever is let in and answered so."""

    when: Rule
    tags: list[Tag] = Field(min_length=1, max_length=10, examples=[["beginner"]])


@dataclass(frozen=True)
class Terms:
    """A screening policy's terms. Without scores an automatic policy decides on knock-outs alone."""

    mode: Mode
    approve_at: int | None
    reject_below: int | None


DEFAULT_HOURS = 72
"""To decide, until a community says otherwise."""


def flaws(terms: Terms, tag_rules: Sequence[TagRule], questions: Questions) -> list[Flaw]:
    """Return what cannot be meant."""
    found = []
    if terms.mode is Mode.AUTOMATIC:
        if terms.approve_at is None and terms.reject_below is None:
            found.append(
                Flaw("/approve_at", "score-missing", "An automatic policy names a score that approves or rejects.")
            )
        elif terms.approve_at is not None and terms.reject_below is not None and terms.reject_below > terms.approve_at:
            found.append(Flaw("/reject_below", "scores-contradict", "What is approved would be rejected too."))
    else:
        found += [
            Flaw(f"/{name}", "score-unused", f"A policy with mode {terms.mode} decides on no score.")
            for name in ("approve_at", "reject_below")
            if getattr(terms, name) is not None
        ]
    for index, rule in enumerate(tag_rules):
        found += rule_flaws(rule.when, questions, f"/tag_rules/{index}/when")
    return found


def tags(tag_rules: Sequence[TagRule], questions: Questions, answers: Answers, score: int) -> list[str]:
    """Return the tags that answers earn."""
    by_key = {question.key: question for question in questions}
    return sorted({tag for rule in tag_rules if holds(rule.when, by_key, answers, score) for tag in rule.tags})


def deadline(asked_at: datetime, hours: int) -> datetime:
    """Return until when people have to decide."""
    return asked_at + timedelta(hours=hours)


def reapply_at(rejected_at: datetime, days: int) -> datetime:
    """Return from when somebody who was rejected may apply again."""
    return rejected_at + timedelta(days=days)
