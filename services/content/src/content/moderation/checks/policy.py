"""What becomes of a text, from what was found in it: decisions over plain values."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

from content.moderation.detectors.policy import Action
from content.moderation.external.checkers import Opinion
from content.posts import policy as posts
from content.posts.policy import ALLOWED, Act, Clause, Utterance, Verdict
from content.refusal import Refusal
from contracts.members import SanctionKind

_ACTS = {Action.FLAG: Act.FLAG, Action.HOLD: Act.HOLD, Action.BLOCK: Act.BLOCK}
_OPINIONS = {Opinion.ALLOWED: Act.ALLOW, Opinion.HELD: Act.HOLD, Opinion.REFUSED: Act.BLOCK}


def verdict(found: Sequence[tuple[Action, Clause, Iterable[str]]]) -> Verdict:
    """Return the strictest of what detectors ask, with the clause of the first that asks it and the fields in which it found something."""
    strictest = ALLOWED
    for action, clause, fields in found:
        strictest = posts.stricter(strictest, Verdict(_ACTS[action], clause, tuple(fields)))
    return strictest


def stricter(one: Verdict, opinion: Opinion, clause: Clause | None) -> Verdict:
    """Return the stricter of a verdict and a checker's opinion, the verdict when they are equally strict."""
    return posts.stricter(one, Verdict(_OPINIONS[opinion], clause))


def speakers(utterance: Utterance) -> set[UUID]:
    """Return whose voice a text takes: who changes it, else who publishes it and who wrote it too; what was planned is nobody's."""
    if utterance.by is None:
        return set()
    return {utterance.by} if utterance.edited else {utterance.by, utterance.author_id}


def sanction_refusal(kind: SanctionKind, until: datetime | None, clause: Clause, *, own: bool) -> Refusal:
    """Return why a sanctioned author may say nothing, to themselves or to who speaks for them."""
    word = "muted" if kind is SanctionKind.MUTE else "suspended"
    end = "until that is lifted" if until is None else f"until {until.isoformat()}"
    return Refusal(f"author-{word}", f"{'You are' if own else 'Its author is'} {word} {end}, by clause {clause.code}.")
