"""What a member sees of their own tier, in words and numbers."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from chassis.auth import Standing
from chassis.db import Session
from members import reasons
from members.tiers.evaluation import policy, queries
from members.tiers.evaluation.policy import Figures
from members.tiers.evaluation.schemas import GivenPrivilege, OwnTierOut, TierAsks, TierView
from members.tiers.evaluation.words import Teller
from members.tiers.standards import queries as standards
from members.tiers.standards.policy import Rule


async def own_tier(session: Session, standing: Standing, language: str) -> OwnTierOut:
    """Return the caller's tier with what it gives, what is missing for the next and what would lose it."""
    community_id, account_id = standing.community_id, standing.principal.account_id
    standard = await standards.find_in_force(session, community_id)
    held = await queries.find_tier(session, community_id, account_id)
    asked = await queries.find_figures(session, standard, account_id) if standard else None
    if standard is None or held is None or asked is None or held["tier_code"] is None:
        teller = Teller([], language)
        return _nothing(teller)
    rules, figures = asked
    rank = rules.rank(held["tier_code"])
    if rank is None:
        # A new standard came into force this very moment, and the member was not looked at yet.
        return _nothing(Teller([], language))
    move = await queries.last_move(session, community_id, account_id)
    teller = Teller(standard.tiers, language)
    views = [_view(document, place, language) for place, document in enumerate(standard.tiers)]
    following = None
    if rank + 1 < len(views):
        following = _asks(views[rank + 1], rules.tiers[rank + 1].entry, figures, teller, "tier-next")
    keep = _asks(views[rank], rules.tiers[rank].keep, figures, teller, "tier-keep") if rank else None
    words = [teller.move(move["reason"], move["from_tier"], move["to_tier"])]
    if move["note"]:
        words.append(move["note"])
    if held["grace_until"]:
        words.append(teller.say("tier-falls", tier=views[rank].name, day=_day(standing, teller, held["grace_until"])))
    if held["manual_until"]:
        words.append(teller.say("tier-held", day=_day(standing, teller, held["manual_until"])))
    if following is None:
        words.append(teller.say("tier-top"))
    # In the lowest tier nothing can be lost.
    if keep is None:
        words.append(teller.say("tier-open", tier=views[rank].name))
    return OwnTierOut(
        tier=views[rank],
        since=held["since"],
        standard_version=held["standard_version"],
        reason=move["reason"],
        words=words,
        grace_until=held["grace_until"],
        manual_until=held["manual_until"],
        next=following,
        keep=keep,
    )


def _nothing(teller: Teller) -> OwnTierOut:
    return OwnTierOut(
        tier=None,
        since=None,
        standard_version=None,
        reason="tier-none",
        words=[teller.say("tier-none")],
        grace_until=None,
        manual_until=None,
        next=None,
        keep=None,
    )


def _day(standing: Standing, teller: Teller, instant: datetime) -> str:
    return teller.day(instant.astimezone(ZoneInfo(standing.zone)))


def _view(document: Mapping[str, Any], rank: int, language: str) -> TierView:
    return TierView(
        code=document["code"],
        name=reasons.choose(document["name"], language) or document["code"],
        rank=rank,
        privileges=[
            GivenPrivilege(
                code=one["code"], words=reasons.choose(one["name"], language) or one["code"], params=one["params"]
            )
            for one in document["privileges"]
        ],
    )


def _asks(view: TierView, rule: Rule, figures: Figures, teller: Teller, code: str) -> TierAsks:
    every, some = policy.progress(rule, figures)
    return TierAsks(
        tier=view,
        words=teller.say(code, tier=view.name),
        met=rule.met(figures),
        all=[teller.criterion(one) for one in every],
        any=[teller.criterion(one) for one in some],
    )
